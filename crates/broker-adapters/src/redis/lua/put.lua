-- Puts messages on a channel, each whole or not at all.
-- ARGV: 1 if somebody must consume it, the most messages, the most bytes, then for each message its delay
-- and its time to live in ms (0: none) and its bytes. Returns the refused ones: index, reason, ...
local ch = channel(KEYS[1])
if ARGV[1] == '1' and redis.call('EXISTS', ch.workers) == 0 then
  return { 0, 'absent' }
end
local most_messages, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local messages, bytes = load_of(ch)
local time, refused, put, added = now(), {}, 0, 0
for i = 4, #ARGV, 3 do
  local delay, left, body = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), ARGV[i + 2]
  if messages >= most_messages then
    refused[#refused + 1] = (i - 1) / 3
    refused[#refused + 1] = 'messages'
  elseif bytes + #body > most_bytes then
    refused[#refused + 1] = (i - 1) / 3
    refused[#refused + 1] = 'bytes'
  else
    local expires = left > 0 and text(time + left)
    if delay > 0 then
      hold_back(ch, { e = body, x = expires or nil }, time + delay)
    elseif expires then
      redis.call('XADD', ch.work, '*', 'e', body, 'x', expires)
    else
      redis.call('XADD', ch.work, '*', 'e', body)
    end
    messages, bytes, put, added = messages + 1, bytes + #body, put + 1, added + #body
  end
end
if put > 0 then
  redis.call('HINCRBY', ch.count, 'enqueued', put)
  redis.call('HINCRBY', ch.count, 'bytes', added)
end
return refused
