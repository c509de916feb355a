-- Puts messages on a channel, each whole or not at all.
-- ARGV: 1 if somebody must consume it, the most messages, the most bytes; then for each entry its delay in ms,
-- how many messages it holds and their bytes, the time to live of each in ms (0: none) with spaces between
-- them, and the envelope, or a Bundle of several. Of several, `n` is their number and `l` their times, which
-- begin with the entry's own. Returns the refused ones: index, reason, ...
local ch = channel(KEYS[1])
if ARGV[1] == '1' and redis.call('EXISTS', ch.workers) == 0 then
  return { 0, 'absent' }
end
local most_messages, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local messages, bytes = load_of(ch)
local time, refused, index, put, added, more = now(), {}, 0, 0, 0, 0

local function took(count, size)
  messages, bytes, put, added = messages + count, bytes + size, put + count, added + size
end

local function enter_one(delay, left, body)
  index = index + 1
  if messages >= most_messages or bytes + #body > most_bytes then
    refused[#refused + 1] = index
    refused[#refused + 1] = messages >= most_messages and 'messages' or 'bytes'
    return
  end
  local expires = left > 0 and text(time + left) or nil
  if delay > 0 then
    hold_back(ch, { e = body, x = expires }, time + delay)
  elseif expires then
    redis.call('XADD', ch.work, '*', 'e', body, 'x', expires)
  else
    redis.call('XADD', ch.work, '*', 'e', body)
  end
  took(1, #body)
end

for at = 4, #ARGV, 5 do
  local delay, count, size, lefts, body = unpack(ARGV, at, at + 4)
  delay, count, size = tonumber(delay), tonumber(count), tonumber(size)
  if count == 1 then
    enter_one(delay, tonumber(lefts), body)
  elseif messages + count <= most_messages and bytes + size <= most_bytes then
    redis.call('XADD', ch.work, '*', 'e', body, 'l', lefts, 'n', count)
    took(count, size)
    index, more = index + count, more + count - 1
  else
    -- Those for which there is room go in by themselves.
    lefts = words(lefts)
    for number, one in ipairs(members(body)) do
      enter_one(delay, tonumber(lefts[number] or 0), one)
    end
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
