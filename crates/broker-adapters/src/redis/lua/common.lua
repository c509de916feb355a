-- What all scripts about a channel share. KEYS[1] is the channel's base; every other key of it begins with
-- that and lies in the same hash slot.
local GROUP = 'workers'

-- A script runs alone, so that one that moves more bytes of messages at once would hold up other clients.
local MOST_BYTES = 4 * 1024 * 1024

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

-- An ephemeral channel stays for so long. Whose turn it is has a time of its own.
local function stay(ch, time)
  for word, key in pairs(ch) do
    if word ~= 'turn' then
      redis.call('PEXPIRE', key, time)
    end
  end
end

local function append(ch, fields)
  local args = { 'XADD', ch.work, '*', 'e', fields.e }
  for _, name in ipairs({ 'x', 'a', 'k', 'r', 'o' }) do
    if fields[name] then
      args[#args + 1] = name
      args[#args + 1] = fields[name]
    end
  end
  redis.call(unpack(args))
end

-- Counts the bytes of what is held back or dead, or is no longer. Workers do not touch those, so that the figure is right in
-- any case, and if it is 0, there are none.
local function keep(ch, body, times)
  redis.call('HINCRBY', ch.count, 'kept', times * math.max(1, #body))
end

local function hold_back(ch, fields, due)
  keep(ch, fields.e, 1)
  local number = redis.call('HINCRBY', ch.count, 'delayed', 1)
  redis.call('ZADD', ch.later, text(due), string.format('%016.0f', number) .. cmsgpack.pack(fields))
  goes_with(ch, ch.later)
end

-- What is counted of a channel, and of its stream: bytes, and messages beyond the first of each entry. Not every
-- worker counts what it settles (XACK and XDEL alone do not), but of an empty stream it is known.
local function counted(ch, waiting)
  local count = redis.call('HMGET', ch.count, 'bytes', 'more', 'kept', 'enqueued')
  local bytes, more, kept = math.max(0, tonumber(count[1] or 0)), math.max(0, tonumber(count[2] or 0)),
    math.max(0, tonumber(count[3] or 0))
  if waiting == 0 then
    bytes, more = kept, 0
  end
  return bytes, more, kept, tonumber(count[4] or 0)
end

-- How much the channel holds, in messages and bytes, and what else is counted of it. Each command costs, so that only
-- those are made whose answer is not known.
local function load_of(ch)
  local waiting = redis.call('XLEN', ch.work)
  local bytes, more, kept, enqueued = counted(ch, waiting)
  local load = { messages = waiting + more, bytes = bytes, more = more, enqueued = enqueued, new = 0 }
  if kept > 0 then
    local messages = redis.call('ZCARD', ch.later) + redis.call('XLEN', ch.dead)
    load.messages = load.messages + messages
    if messages == 0 then
      redis.call('HDEL', ch.count, 'kept')
      load.bytes = bytes - math.min(bytes, kept)
    end
  end
  return load
end

-- Counts what was put on the channel since its load was taken.
local function took(load, messages, bytes)
  load.messages, load.bytes, load.new = load.messages + messages, load.bytes + bytes, load.new + messages
end

-- Keeps the count, if anything was put on it.
local function count_load(ch, load)
  if load.new == 0 then
    return
  end
  redis.call('HSET', ch.count, 'bytes', text(load.bytes), 'more', text(load.more), 'enqueued', text(load.enqueued + load.new))
end

local MEMBER = '\130\1'

-- The envelopes of a Bundle, or the one that it is. What begins as a Bundle and is none stays as it is.
local function members(body)
  local found, at = {}, 1
  while string.sub(body, at, at + 1) == MEMBER do
    local length, unit, byte = 0, 1, nil
    at = at + 2
    repeat
      byte = string.byte(body, at)
      if not byte or unit > 2 ^ 28 then
        return { body }
      end
      length, unit, at = length + byte % 128 * unit, unit * 128, at + 1
    until byte < 128
    found[#found + 1] = string.sub(body, at, at + length - 1)
    at = at + length
  end
  return #found > 0 and at == #body + 1 and found or { body }
end

local function words(text)
  local found = {}
  for word in string.gmatch(text or '', '%d+') do
    found[#found + 1] = word
  end
  return found
end

-- The fields of each of an entry's messages, as it would be an entry of its own.
local function messages_of(id, fields)
  -- An entry of somebody else may have none.
  fields.e = fields.e or ''
  local bodies = members(fields.e)
  if #bodies == 1 then
    return { fields }
  end
  local made, lefts, found = tonumber(string.match(id, '^%d+')), words(fields.l), {}
  for number, body in ipairs(bodies) do
    local left = tonumber(lefts[number] or 0)
    found[number] = { e = body, x = left > 0 and text(made + left) or nil }
  end
  return found
end

-- What one of an entry's messages is called where it needs a name.
local function name_of(id, number, count)
  return count > 1 and id .. '#' .. number or id
end

-- Puts a message whose lease has ended at the end of the queue again.
local function again(ch, fields, delay)
  if delay > 0 then
    hold_back(ch, fields, now() + delay)
  else
    append(ch, fields)
  end
end

-- Puts a message on the queue again whose worker has not settled it.
local function try_again(ch, id, number, count, fields, reason)
  fields.a = text(tonumber(fields.a or 0) + 1)
  fields.k = text(tonumber(fields.k or 0) + 1)
  fields.r = reason
  if redis.call('HDEL', ch.once, name_of(id, number, count)) == 1 then
    fields.o = '1'
  end
  append(ch, fields)
end

-- How many deliveries a consumer has not settled.
local function pending_of(ch, consumer)
  local held = redis.pcall('XPENDING', ch.work, GROUP, '-', '+', 1, consumer)
  return held.err and 0 or #held
end
