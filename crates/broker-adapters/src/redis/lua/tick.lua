-- What a consumer does from time to time: it makes due messages ready, takes work away from consumers that
-- are gone or whose leases have ended, and keeps an ephemeral channel. ARGV: the consumer, the start of the
-- channels on which processes are subscribed while they live, for how long the channel stays without it
-- (0: for ever), for how long a process may be gone before its work is taken (0: nobody's is taken now), and
-- the lease of a consumer whose name says none. Returns the time and when the next message is due.
even_if_full()
local ch = channel(KEYS[1])
local me, alive, stays, grace, usual = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = now()
-- So many messages are moved at once.
local MOST = 1024

local moved, bytes = 0, 0

local function is_enough()
  return moved >= MOST or bytes >= MOST_BYTES
end

while not is_enough() do
  local member = redis.call('ZRANGEBYSCORE', ch.later, '-inf', text(time), 'LIMIT', 0, 1)[1]
  if not member then
    break
  end
  local fields = cmsgpack.unpack(string.sub(member, 17))
  keep(ch, fields.e, -1)
  append(ch, fields)
  redis.call('ZREM', ch.later, member)
  moved, bytes = moved + 1, bytes + #fields.e
end

-- Each message of an entry that is not settled becomes an entry of its own.
local function redeliver(id, fields, reason)
  local messages = messages_of(id, fields)
  local count = #messages
  local marks = count > 1 and redis.call('HGET', ch.split, id) or ''
  local left = 0
  for number, one in ipairs(messages) do
    if string.byte(marks, number) ~= 49 then
      try_again(ch, id, number, count, one, reason)
      left = left + 1
    end
  end
  redis.call('HINCRBY', ch.count, 'redelivered', left)
  if count > 1 then
    redis.call('HDEL', ch.split, id)
    redis.call('HINCRBY', ch.count, 'more', 1 - left)
  end
  moved, bytes = moved + left, bytes + #fields.e
end

local function take_away(consumer, idle, reason)
  local held = redis.call('XPENDING', ch.work, GROUP, 'IDLE', text(idle), '-', '+', 256, consumer)
  for _, one in ipairs(held) do
    if is_enough() then
      return
    end
    local id = one[1]
    local fields = entry(ch.work, id)
    if fields then
      redeliver(id, fields, reason)
    end
    redis.call('XACK', ch.work, GROUP, id)
    redis.call('XDEL', ch.work, id)
  end
end

-- Whether the process of each consumer is subscribed, by session.
local function living(consumers)
  local asked, names, result = { 'PUBSUB', 'NUMSUB' }, {}, {}
  for consumer in pairs(consumers) do
    local session = string.match(consumer, '^([^:]+):[^:]+:%d+$')
    if session and not names[session] then
      names[session] = true
      asked[#asked + 1] = alive .. session
    end
  end
  local answer = #asked > 2 and redis.call(unpack(asked)) or {}
  for i = 1, #answer, 2 do
    result[string.sub(answer[i], #alive + 1)] = answer[i + 1] > 0
  end
  return result
end

local function look_after()
  local consumers = {}
  for _, consumer in ipairs(redis.call('HKEYS', ch.workers)) do
    consumers[consumer] = 0
  end
  for _, row in ipairs(redis.call('XPENDING', ch.work, GROUP)[4] or {}) do
    consumers[row[1]] = tonumber(row[2])
  end
  local lives = living(consumers)
  for consumer, held in pairs(consumers) do
    local session, lease = string.match(consumer, '^([^:]+):[^:]+:(%d+)$')
    local mark = 'gone ' .. consumer
    if session and lives[session] == false then
      local since = tonumber(redis.call('HGET', ch.count, mark) or 0)
      if since == 0 then
        redis.call('HSET', ch.count, mark, text(time))
      elseif time - since >= grace then
        take_away(consumer, 0, 'its worker was lost')
        if pending_of(ch, consumer) == 0 then
          redis.call('HDEL', ch.workers, consumer)
          redis.call('HDEL', ch.count, mark)
          redis.call('XGROUP', 'DELCONSUMER', ch.work, GROUP, consumer)
        end
      end
    else
      redis.call('HDEL', ch.count, mark)
      if held > 0 then
        take_away(consumer, tonumber(lease) or usual, 'its lease ended')
      end
    end
  end
end

local is_unfinished = false
if redis.call('SET', ch.turn, me, 'NX', 'PX', 200) and grace > 0 then
  -- What is due has a share of its own.
  moved, bytes = 0, 0
  look_after()
  is_unfinished = is_enough()
  if is_unfinished then
    redis.call('DEL', ch.turn)
  end
end
-- Others, and this one itself, may have taken it to be gone.
redis.call('HSETNX', ch.workers, me, 1)
if stays > 0 then
  stay(ch, stays)
end
-- The rest is taken away at once, when other clients have had their turn.
local first = is_unfinished and text(time) or redis.call('ZRANGE', ch.later, 0, 0, 'WITHSCORES')[2]
return { text(time), first or '' }
