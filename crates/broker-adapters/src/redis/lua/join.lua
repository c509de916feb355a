-- A consumer joins a channel, or comes back to it. KEYS[2]: the hash of the topic's groups, or the base.
-- ARGV: the consumer, for how long the channel stays without it (0: for ever), its group or nothing, and the
-- last entry that has arrived there, or nothing. What was sent to it after that goes back untouched.
even_if_full()
local ch = channel(KEYS[1])
local me, stays, group = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local made = redis.pcall('XGROUP', 'CREATE', ch.work, GROUP, '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then
  return made
end
redis.call('XGROUP', 'CREATECONSUMER', ch.work, GROUP, me)
redis.call('HSET', ch.workers, me, 1)
if group ~= '' then
  redis.call('HSET', KEYS[2], group, stays > 0 and 'e' or 'd')
end
if stays > 0 then
  redis.call('PEXPIRE', ch.work, stays)
  redis.call('PEXPIRE', ch.workers, stays)
  redis.call('HSETNX', ch.count, 'enqueued', 0)
  redis.call('PEXPIRE', ch.count, stays)
end
local from = ARGV[4] == '' and '-' or '(' .. ARGV[4]
for _, held in ipairs(redis.call('XPENDING', ch.work, GROUP, from, '+', 100000, me)) do
  local id = held[1]
  local fields = entry(ch.work, id)
  if fields then
    local messages = messages_of(id, fields)
    for _, one in ipairs(messages) do
      append(ch, one)
    end
    if #messages > 1 then
      redis.call('HINCRBY', ch.count, 'more', 1 - #messages)
    end
  end
  redis.call('XACK', ch.work, GROUP, id)
  redis.call('XDEL', ch.work, id)
end
return text(now())
