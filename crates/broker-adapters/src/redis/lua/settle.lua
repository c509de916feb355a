-- What workers do with their leases, in order. A lease is an entry that is pending: whoever takes it away
-- gives the message a new entry, so that an entry that is not pending any more is a lease that has ended,
-- and settling it changes nothing. ARGV: operations with their arguments. Returns the indexes of those
-- whose lease had ended.
even_if_full()
local ch = channel(KEYS[1])
local time, stale, index = now(), {}, 0
local ended, freed, settled, redelivered, expired = {}, 0, 0, 0, 0
local replies, order = {}, {}

local function tell(inbox, body)
  if inbox == '' then
    return
  end
  local args = replies[inbox]
  if not args then
    -- An inbox that is gone is not made anew.
    args = { 'XADD', inbox, 'NOMKSTREAM', '*' }
    replies[inbox] = args
    order[#order + 1] = inbox
  end
  args[#args + 1] = 'm'
  args[#args + 1] = body
end

local function finish(id, size)
  if redis.call('XACK', ch.work, GROUP, id) == 0 then
    stale[#stale + 1] = index
    return false
  end
  ended[#ended + 1] = id
  freed = freed + size
  return true
end

local at = 1
local function take(count)
  local from = at
  at = at + count
  return unpack(ARGV, from, at - 1)
end

local operations = {}

operations.done = function()
  local id, size = take(2)
  if finish(id, tonumber(size)) then
    settled = settled + 1
  end
end

operations.reply = function()
  local id, size, inbox, body = take(4)
  if finish(id, tonumber(size)) then
    settled = settled + 1
    tell(inbox, body)
  end
end

operations.expired = function()
  local id, size, inbox, body = take(4)
  if finish(id, tonumber(size)) then
    expired = expired + 1
    tell(inbox, body)
  end
end

operations.partial = function()
  local inbox, body = take(2)
  tell(inbox, body)
end

-- Back on the queue after a delay, with this number of attempts made.
operations.back = function()
  local id, delay, attempts, reason = take(4)
  local fields = entry(ch.work, id)
  if finish(id, 0) and fields then
    if attempts ~= (fields.a or '0') then
      redelivered = redelivered + 1
    end
    fields.a = attempts ~= '0' and attempts or nil
    if reason ~= '' then
      fields.r = reason
    end
    again(ch, fields, tonumber(delay), time)
  end
end

operations.bury = function()
  local id, attempts, reason, inbox, body = take(5)
  local fields = entry(ch.work, id)
  if finish(id, 0) and fields then
    local number = redis.call('HINCRBY', ch.count, 'letters', 1)
    redis.call('XADD', ch.dead, text(number) .. '-0', 'e', fields.e, 'a', attempts, 'r', reason, 't', text(time))
    goes_with(ch, ch.dead)
    tell(inbox, body)
  end
end

-- From now on it is not delivered again, however its lease ends.
operations.once = function()
  local id, consumer = take(2)
  if #redis.call('XPENDING', ch.work, GROUP, id, id, 1, consumer) == 0 then
    stale[#stale + 1] = index
  else
    redis.call('HSET', ch.once, id, 1)
    goes_with(ch, ch.once)
  end
end

operations.forget = function()
  redis.call('HDEL', ch.once, take(1))
end

operations.extend = function()
  local id, consumer = take(2)
  if #redis.call('XPENDING', ch.work, GROUP, id, id, 1, consumer) == 0 then
    stale[#stale + 1] = index
  else
    redis.call('XCLAIM', ch.work, GROUP, consumer, 0, id, 'JUSTID')
  end
end

while at <= #ARGV do
  index = index + 1
  operations[take(1)]()
end

for _, inbox in ipairs(order) do
  -- What is no inbox is in nobody's way.
  redis.pcall(unpack(replies[inbox]))
end
if #ended > 0 then
  redis.call('XDEL', ch.work, unpack(ended))
end
for field, number in pairs({ bytes = -freed, settled = settled, redelivered = redelivered, expired = expired }) do
  if number ~= 0 then
    redis.call('HINCRBY', ch.count, field, number)
  end
end
return stale
