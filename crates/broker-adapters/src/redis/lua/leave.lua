-- A consumer leaves a channel. KEYS[2]: the hash of the topic's groups, or the base. ARGV: the consumer, 1 if
-- the channel ends with its last consumer, its group or nothing, and for how long a channel that ends later stays
-- (0: for ever).
local ch = channel(KEYS[1])
redis.call('HDEL', ch.workers, ARGV[1])
redis.call('HDEL', ch.count, 'gone ' .. ARGV[1])
if ARGV[2] == '1' and redis.call('EXISTS', ch.workers) == 0 then
  redis.call('DEL', ch.work, ch.later, ch.dead, ch.count, ch.once, ch.turn, ch.split)
  if ARGV[3] ~= '' then
    redis.call('HDEL', KEYS[2], ARGV[3])
  end
elseif redis.call('EXISTS', ch.work) == 1 and pending_of(ch, ARGV[1]) == 0 then
  redis.pcall('XGROUP', 'DELCONSUMER', ch.work, GROUP, ARGV[1])
end
if ARGV[4] ~= '0' then
  stay(ch, ARGV[4])
end
return 1
