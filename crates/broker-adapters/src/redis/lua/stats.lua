-- A channel's figures: ready, delayed, leased, dead, consumers, bytes, enqueued, settled, redelivered,
-- expired, and the age of the oldest that is ready in ms.
local ch = channel(KEYS[1])
local count = redis.call('HMGET', ch.count, 'enqueued', 'settled', 'redelivered', 'expired')
local waiting = redis.call('XLEN', ch.work)
local bytes, more = counted(ch, waiting)
local summary = redis.pcall('XPENDING', ch.work, GROUP)
local leased = summary.err and 0 or tonumber(summary[1])
local from = '-'
if not summary.err then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', ch.work)) do
    local info = fields_of(group)
    if info.name == GROUP then
      from = '(' .. info['last-delivered-id']
    end
  end
end
local oldest, first = 0, redis.call('XRANGE', ch.work, from, '+', 'COUNT', 1)
if first[1] then
  oldest = math.max(0, now() - tonumber(string.match(first[1][1], '^%d+')))
end
local more_leased = 0
if more > 0 and leased > 0 then
  -- How many messages are in the entries that workers have; of very many, in the oldest.
  for _, held in ipairs(redis.call('XPENDING', ch.work, GROUP, '-', '+', 4096)) do
    local fields = entry(ch.work, held[1])
    if fields and fields.n then
      local _, done = string.gsub(redis.call('HGET', ch.split, held[1]) or '', '1', '1')
      more_leased = more_leased + (tonumber(fields.n) or 1) - done - 1
    end
  end
end
local result = {
  waiting - leased + math.max(0, more - more_leased), redis.call('ZCARD', ch.later),
  leased + more_leased, redis.call('XLEN', ch.dead), redis.call('HLEN', ch.workers),
  bytes,
}
for i = 1, 4 do
  result[#result + 1] = math.max(0, tonumber(count[i] or 0))
end
result[#result + 1] = oldest
return result
