-- What workers do with their leases, in order. A lease is an entry that is pending: whoever takes it away
-- gives the message a new entry, so that an entry that is not pending any more is a lease that has ended,
-- and settling it changes nothing. An entry of several ends with the last of them; which of them are settled
-- is noted in `:split` meanwhile. ARGV: operations with their arguments; a lease is an entry, the number of
-- the message in it, and how many it came with. Returns the indexes of those whose lease had ended.
-- The end of a whole entry starts with a write that gives up memory.
if ARGV[1] ~= 'all' then
  even_if_full()
end
local ch = channel(KEYS[1])
local stale, index = {}, 0
local ended, freed, settled, redelivered, expired, more = {}, 0, 0, 0, 0, 0
local replies, order = {}, {}
local parts, parted = {}, {}

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

-- Whether an entry is pending, of this consumer or of any. Of a stream that is gone, or was made anew, none is.
local function is_pending(id, consumer)
  local asked = { 'XPENDING', ch.work, GROUP, id, id, 1, consumer }
  local held = redis.pcall(unpack(asked))
  return not held.err and #held > 0
end

-- Which messages of an entry are settled, one character each, while the entry is pending; or nil.
local function part(id, count)
  local known = parts[id]
  if known == nil then
    known = false
    if is_pending(id) then
      local marks = redis.call('HGET', ch.split, id)
      known = { before = 0, done = 0, count = count }
      for i = 1, count do
        known[i] = marks and string.byte(marks, i) == 49 or false
        known.before = known.before + (known[i] and 1 or 0)
      end
      parted[#parted + 1] = id
    end
    parts[id] = known
  end
  return known or nil
end

-- Whether a lease has not ended.
local function is_held(id, number, count, consumer)
  if count > 1 then
    local known = part(id, count)
    return known and not known[number]
  end
  return is_pending(id, consumer)
end

local function finish(id, number, count, size)
  if count > 1 then
    local known = part(id, count)
    if not known or known[number] then
      stale[#stale + 1] = index
      return false
    end
    known[number], known.done = true, known.done + 1
  elseif redis.call('XACK', ch.work, GROUP, id) == 0 then
    stale[#stale + 1] = index
    return false
  else
    ended[#ended + 1] = id
  end
  freed = freed + size
  return true
end

-- What has become of an entry of several.
local function part_with(id, known)
  if known.done == 0 then
    return
  end
  if known.before + known.done == known.count then
    redis.call('XACK', ch.work, GROUP, id)
    ended[#ended + 1] = id
    if known.before > 0 then
      redis.call('HDEL', ch.split, id)
    end
    more = more - known.done + 1
    return
  end
  local marks = {}
  for i = 1, known.count do
    marks[i] = known[i] and '1' or '0'
  end
  redis.call('HSET', ch.split, id, table.concat(marks))
  goes_with(ch, ch.split)
  more = more - known.done
end

local at = 1
local function take(count)
  local from = at
  at = at + count
  return unpack(ARGV, from, at - 1)
end

-- The replies to so many inboxes that come next, if they are to be sent.
local function tell_each(are_sent, inboxes)
  for _ = 1, tonumber(inboxes) do
    local inbox, body = take(2)
    if are_sent then
      tell(inbox, body)
    end
  end
end

local function lease()
  local id, number, count = take(3)
  return id, tonumber(number), tonumber(count)
end

-- The fields of a message, or nil if there is none. An entry of several is read once.
local opened = {}
local function message(id, number, count)
  if opened[id] then
    return opened[id][number]
  end
  local fields = entry(ch.work, id)
  local messages = fields and messages_of(id, fields) or {}
  if count > 1 then
    opened[id] = messages
  end
  return messages[number]
end

local operations = {}

operations.done = function()
  local id, number, count = lease()
  if finish(id, number, count, tonumber(take(1))) then
    settled = settled + 1
  end
end

operations.reply = function()
  local id, number, count = lease()
  local size, inbox, body = take(3)
  if finish(id, number, count, tonumber(size)) then
    settled = settled + 1
    tell(inbox, body)
  end
end

-- All of an entry at once, none of which was settled before: how many, their bytes, and the replies to each of so
-- many inboxes.
operations.all = function()
  local id, count, size, inboxes = take(4)
  count, size = tonumber(count), tonumber(size)
  local held = redis.call('XACK', ch.work, GROUP, id) == 1
  if held then
    ended[#ended + 1] = id
    settled, freed, more = settled + count, freed + size, more - count + 1
  else
    stale[#stale + 1] = index
  end
  tell_each(held, inboxes)
end

operations.expired = function()
  local id, number, count = lease()
  local size, inbox, body = take(3)
  if finish(id, number, count, tonumber(size)) then
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
  local id, number, count = lease()
  local delay, attempts, reason = take(3)
  local fields = message(id, number, count)
  if finish(id, number, count, 0) and fields then
    if attempts ~= (fields.a or '0') then
      redelivered = redelivered + 1
      -- Its worker has survived the attempt: what is lost from now on is the first of a new row.
      fields.k = nil
    end
    fields.a = attempts ~= '0' and attempts or nil
    if reason ~= '' then
      fields.r = reason
    end
    again(ch, fields, tonumber(delay))
  end
end

-- Its time has run out here, and it is tried again as it would be if its entry were taken away.
operations.lapse = function()
  local id, number, count = lease()
  local reason = take(1)
  local fields = message(id, number, count)
  if finish(id, number, count, 0) and fields then
    redelivered = redelivered + 1
    try_again(ch, id, number, count, fields, reason)
  end
end

operations.bury = function()
  local id, number, count = lease()
  local attempts, reason, inboxes = take(3)
  local fields = message(id, number, count)
  local dies = finish(id, number, count, 0) and fields
  if dies then
    keep(ch, fields.e, 1)
    local letter = redis.call('HINCRBY', ch.count, 'letters', 1)
    redis.call('XADD', ch.dead, text(letter) .. '-0', 'e', fields.e, 'a', attempts, 'r', reason, 't', text(now()))
    goes_with(ch, ch.dead)
  end
  tell_each(dies, inboxes)
end

-- From now on it is not delivered again, however its lease ends.
operations.once = function()
  local id, number, count = lease()
  if not is_held(id, number, count, take(1)) then
    stale[#stale + 1] = index
  else
    redis.call('HSET', ch.once, name_of(id, number, count), 1)
    goes_with(ch, ch.once)
  end
end

operations.forget = function()
  redis.call('HDEL', ch.once, name_of(lease()))
end

operations.extend = function()
  local id, number, count = lease()
  local consumer = take(1)
  if not is_held(id, number, count, consumer) then
    stale[#stale + 1] = index
  else
    redis.call('XCLAIM', ch.work, GROUP, consumer, 0, id, 'JUSTID')
  end
end

while at <= #ARGV do
  index = index + 1
  operations[take(1)]()
end

for _, id in ipairs(parted) do
  part_with(id, parts[id])
end
for _, inbox in ipairs(order) do
  -- What is no inbox is in nobody's way.
  redis.pcall(unpack(replies[inbox]))
end
if #ended > 0 then
  redis.call('XDEL', ch.work, unpack(ended))
end
local changed = { bytes = -freed, settled = settled, redelivered = redelivered, expired = expired, more = more }
for field, number in pairs(changed) do
  if number ~= 0 then
    redis.call('HINCRBY', ch.count, field, number)
  end
end
return stale
