-- What all scripts about a channel share. KEYS[1] is the channel's base; every other key of it begins with
-- that and lies in the same hash slot.
local GROUP = 'workers'

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A server at its maxmemory refuses a script's first write, if that needs memory. What gives up memory, or
-- needs little so that others can give up theirs, starts with a write that needs none.
local function even_if_full()
  redis.call('DEL', KEYS[1] .. ':nothing')
end

local function text(number)
  return string.format('%.0f', number)
end

local function channel(base)
  return {
    work = base .. ':work', later = base .. ':later', dead = base .. ':dead', count = base .. ':count',
    workers = base .. ':workers', once = base .. ':once', turn = base .. ':turn', split = base .. ':split',
  }
end

local function fields_of(list)
  local fields = {}
  for i = 1, #list, 2 do
    fields[list[i]] = list[i + 1]
  end
  return fields
end

-- The fields of an entry, or nil if there is none.
local function entry(stream, id)
  local found = redis.call('XRANGE', stream, id, id)
  return found[1] and fields_of(found[1][2])
end

-- A key that is new goes when an ephemeral channel goes.
local function goes_with(ch, key)
  local left = redis.call('PTTL', ch.work)
  if left > 0 then
    redis.call('PEXPIRE', key, left)
  end
end

local function append(ch, fields)
  local args = { 'XADD', ch.work, '*', 'e', fields.e }
  for _, name in ipairs({ 'x', 'a', 'r', 'o' }) do
    if fields[name] then
      args[#args + 1] = name
      args[#args + 1] = fields[name]
    end
  end
  redis.call(unpack(args))
end

local function hold_back(ch, fields, due)
  local number = redis.call('HINCRBY', ch.count, 'delayed', 1)
  redis.call('ZADD', ch.later, text(due), string.format('%016.0f', number) .. cmsgpack.pack(fields))
  goes_with(ch, ch.later)
end

-- How much the channel holds: messages, bytes. An entry of several is counted by `more`.
local function load_of(ch)
  local messages = redis.call('XLEN', ch.work) + redis.call('ZCARD', ch.later) + redis.call('XLEN', ch.dead)
  if messages == 0 then
    redis.call('HDEL', ch.count, 'bytes', 'more')
    return 0, 0
  end
  local count = redis.call('HMGET', ch.count, 'bytes', 'more')
  return messages + tonumber(count[2] or 0), tonumber(count[1] or 0)
end

local MEMBER = '\130\1'

-- The envelopes of a Bundle, or the one that it is.
local function members(body)
  if string.sub(body, 1, 2) ~= MEMBER then
    return { body }
  end
  local found, at = {}, 1
  while at <= #body do
    local length, unit = 0, 1
    at = at + 2
    repeat
      local byte = string.byte(body, at) or 0
      length, unit, at = length + byte % 128 * unit, unit * 128, at + 1
    until byte < 128
    found[#found + 1] = string.sub(body, at, at + length - 1)
    at = at + length
  end
  return found
end

local function words(text)
  local found = {}
  for word in string.gmatch(text or '', '%d+') do
    found[#found + 1] = word
  end
  return found
end

-- The fields of one of an entry's messages, as it would be an entry of its own.
local function member(id, fields, number)
  if not fields.n then
    return fields
  end
  local left = tonumber(words(fields.l)[number] or 0)
  local expires = left > 0 and text(tonumber(string.match(id, '^%d+')) + left) or nil
  return { e = members(fields.e)[number] or '', x = expires }
end

-- What one of an entry's messages is called where it needs a name.
local function name_of(id, number, count)
  return count > 1 and id .. '#' .. number or id
end

-- Puts a message whose lease has ended at the end of the queue again.
local function again(ch, fields, delay, time)
  if delay > 0 then
    hold_back(ch, fields, time + delay)
  else
    append(ch, fields)
  end
end

-- How many deliveries a consumer has not settled.
local function pending_of(ch, consumer)
  local held = redis.pcall('XPENDING', ch.work, GROUP, '-', '+', 1, consumer)
  return held.err and 0 or #held
end
