-- Puts messages on a channel, each whole or not at all.
-- ARGV: 1 if somebody must consume it, the most messages, the most bytes, 1 if it is asked how many consume it; then for
-- each entry its delay in ms, how many messages it holds and their bytes, the time to live of each in ms (0: none) with
-- spaces between them, and the envelope, or a Bundle of several. Of several, `n` is their number and `l` their times, which
-- begin with the entry's own. Returns how many consume it, or nothing, and the refused ones: index, reason, ...
local ch = channel(KEYS[1])
local consumers = (ARGV[1] == '1' or ARGV[4] == '1') and redis.call('HLEN', ch.workers)
if ARGV[1] == '1' and consumers == 0 then
  return { consumers, 0, 'absent' }
end
local most_messages, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local load, result, index = load_of(ch), { consumers }, 0

local function refuse(reason)
  result[#result + 1] = index
  result[#result + 1] = reason
end

local function enter_one(delay, left, body)
  index = index + 1
  if load.messages >= most_messages then
    return refuse('messages')
  elseif load.bytes + #body > most_bytes then
    return refuse('bytes')
  end
  local expires = left > 0 and text(now() + left) or nil
  if delay > 0 then
    hold_back(ch, { e = body, x = expires }, now() + delay)
  elseif expires then
    redis.call('XADD', ch.work, '*', 'e', body, 'x', expires)
  else
    redis.call('XADD', ch.work, '*', 'e', body)
  end
  took(load, 1, #body)
end

for at = 5, #ARGV, 5 do
  local delay, count, size, lefts, body = unpack(ARGV, at, at + 4)
  delay, count, size = tonumber(delay), tonumber(count), tonumber(size)
  if count == 1 then
    enter_one(delay, tonumber(lefts), body)
  elseif load.messages + count <= most_messages and load.bytes + size <= most_bytes then
    redis.call('XADD', ch.work, '*', 'e', body, 'l', lefts, 'n', count)
    took(load, count, size)
    index, load.more = index + count, load.more + count - 1
  else
    -- Those for which there is room go in by themselves.
    lefts = words(lefts)
    for number, one in ipairs(members(body)) do
      enter_one(delay, tonumber(lefts[number] or 0), one)
    end
  end
end
count_load(ch, load)
return result
