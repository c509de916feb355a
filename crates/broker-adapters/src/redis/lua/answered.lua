-- Ends the lease of a whole entry, none of whose messages was settled before, whose answers were put into their inbox just
-- before, in the same transaction; or takes these back, if the lease has ended. KEYS[1] is the channel's base. ARGV: the entry,
-- how many messages it holds, their bytes, the inbox, and a part of the answers that no others have. Returns the index of the
-- lease that had ended.
local base, id, count, call = KEYS[1], ARGV[1], ARGV[2], redis.call
local work, sums = base .. ':work', base .. ':count'
if call('XACK', work, 'workers', id) == 1 then
  call('XDEL', work, id)
  local known = call('HMGET', sums, 'bytes', 'more', 'settled')
  local bytes, more, settled = known[1] or 0, known[2] or 0, known[3] or 0
  call('HSET', sums, 'bytes', bytes - ARGV[3], 'more', more - count + 1, 'settled', settled + count)
  return {}
end
local last = redis.pcall('XREVRANGE', ARGV[4], '+', '-', 'COUNT', 1)[1]
if last and string.find(last[2][2], ARGV[5], 1, true) then
  call('XDEL', ARGV[4], last[1])
end
return { 1 }
