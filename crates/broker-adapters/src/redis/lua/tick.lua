-- What a consumer does from time to time: it makes due messages ready, takes work away from consumers that
-- are gone or whose leases have ended, and keeps an ephemeral channel. ARGV: the consumer, the start of the
-- channels on which processes are subscribed while they live, for how long the channel stays without it
-- (0: for ever), for how long a process may be gone before its work is taken (0: nobody's is taken now), and
-- the lease of a consumer whose name says none. Returns the time and when the next message is due.
even_if_full()
local ch = channel(KEYS[1])
local me, alive, stays, grace, usual = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = now()
for _, member in ipairs(redis.call('ZRANGEBYSCORE', ch.later, '-inf', text(time), 'LIMIT', 0, 256)) do
  local fields = cmsgpack.unpack(string.sub(member, 17))
  keep(ch, -#fields.e)
  append(ch, fields)
  redis.call('ZREM', ch.later, member)
end

-- So many messages are taken away at once; a script runs alone, so that more would hold up other clients.
local MOST = 1024

-- Each message of an entry that is not settled becomes an entry of its own. Returns how many.
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
  return left
end

local function take_away(consumer, idle, reason)
  local held = redis.call('XPENDING', ch.work, GROUP, 'IDLE', text(idle), '-', '+', 256, consumer)
  local taken = 0
  for _, one in ipairs(held) do
    local id = one[1]
    local fields = entry(ch.work, id)
    if fields then
      taken = taken + redeliver(id, fields, reason)
    end
    redis.call('XACK', ch.work, GROUP, id)
    redis.call('XDEL', ch.work, id)
    if taken >= MOST then
      return
    end
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

if redis.call('SET', ch.turn, me, 'NX', 'PX', 200) and grace > 0 then
  look_after()
end
-- Others, and this one itself, may have taken it to be gone.
redis.call('HSETNX', ch.workers, me, 1)
if stays > 0 then
  stay(ch, stays)
end
local first = redis.call('ZRANGE', ch.later, 0, 0, 'WITHSCORES')
return { text(time), first[2] or '' }
