-- Puts messages on a channel, each whole or not at all.
-- ARGV: 1 if somebody must consume it, the most messages, the most bytes; then for each entry its delay in ms
-- and how many messages it is to hold, and for each of those its time to live in ms (0: none) and its bytes.
-- An entry of several has them as a Bundle, their times in one field and their number in `n`. Returns the
-- refused ones: index, reason, ...
local ch = channel(KEYS[1])
if ARGV[1] == '1' and redis.call('EXISTS', ch.workers) == 0 then
  return { 0, 'absent' }
end
local most_messages, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local messages, bytes = load_of(ch)
local time, refused, put, added, more = now(), {}, 0, 0, 0

local function enter(bodies, times, limited, delay)
  local body, expires = bundle(bodies), limited and table.concat(times, ' ') or nil
  if delay > 0 then
    hold_back(ch, { e = body, x = expires }, time + delay)
  elseif #bodies > 1 then
    redis.call('XADD', ch.work, '*', 'e', body, 'x', expires or '', 'n', #bodies)
    more = more + #bodies - 1
  elseif expires then
    redis.call('XADD', ch.work, '*', 'e', body, 'x', expires)
  else
    redis.call('XADD', ch.work, '*', 'e', body)
  end
end

local at, index = 4, 0
while at <= #ARGV do
  local delay, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local bodies, times, limited = {}, {}, false
  at = at + 2
  for _ = 1, count do
    local left, body = tonumber(ARGV[at]), ARGV[at + 1]
    at, index = at + 2, index + 1
    if messages >= most_messages then
      refused[#refused + 1] = index
      refused[#refused + 1] = 'messages'
    elseif bytes + #body > most_bytes then
      refused[#refused + 1] = index
      refused[#refused + 1] = 'bytes'
    else
      bodies[#bodies + 1] = body
      times[#times + 1] = left > 0 and text(time + left) or '0'
      limited = limited or left > 0
      messages, bytes, put, added = messages + 1, bytes + #body, put + 1, added + #body
    end
  end
  if #bodies > 0 then
    enter(bodies, times, limited, delay)
  end
end
if put > 0 then
  redis.call('HINCRBY', ch.count, 'enqueued', put)
  redis.call('HINCRBY', ch.count, 'bytes', added)
end
if more > 0 then
  redis.call('HINCRBY', ch.count, 'more', more)
end
return refused
