-- The registry: who runs, with a time after which he is taken to be gone, and every contract that was ever
-- registered and not forgotten. KEYS[1] is the base of its keys. Returns for `beat` how much was not known, for
-- `forget` how many were, for `view` the version, the ms until the next may be gone, the time, and everything, if the
-- version is not ARGV[2].
even_if_full()
local base = KEYS[1]
local instances, data, contracts, version = base .. ':instances', base .. ':data', base .. ':contracts', base .. ':version'
local time = now()

local function changed()
  -- Starts at the time, so that a registry that was lost does not count the same numbers again.
  redis.call('SET', version, text(time), 'NX')
  redis.call('INCR', version)
  redis.call('PUBLISH', base .. ':changes', '')
end

-- Nobody says that he is there for longer than this, in ms.
local LONGEST = 5000

-- Forgets those whose time is over. Returns how many.
local function forget_gone()
  local latest = text(time + LONGEST)
  for _, instance in ipairs(redis.call('ZRANGEBYSCORE', instances, '(' .. latest, '+inf')) do
    -- The clock was set back since he said so, or this server's is behind that of the one before it.
    redis.call('ZADD', instances, latest, instance)
  end
  local gone = redis.call('ZRANGEBYSCORE', instances, '-inf', text(time))
  for _, instance in ipairs(gone) do
    redis.call('ZREM', instances, instance)
    redis.call('HDEL', data, instance)
  end
  return #gone
end

local verbs = {}

-- ARGV: a time in ms, then instances and their descriptions, then an empty word, then names and contracts. Of a contract
-- that is empty it is only asked whether it is known.
function verbs.beat()
  local until_then, at, new, missing, is_news = text(time + tonumber(ARGV[2])), 3, 0, 0, false
  while ARGV[at] and ARGV[at] ~= '' do
    new = new + redis.call('ZADD', instances, until_then, ARGV[at])
    redis.call('HSET', data, ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  at = at + 1
  while ARGV[at] do
    if ARGV[at + 1] == '' then
      missing = missing + 1 - redis.call('HEXISTS', contracts, ARGV[at])
    elseif redis.call('HGET', contracts, ARGV[at]) ~= ARGV[at + 1] then
      redis.call('HSET', contracts, ARGV[at], ARGV[at + 1])
      is_news = true
    end
    at = at + 2
  end
  if new > 0 then
    -- Perhaps nobody looks at the registry who would.
    forget_gone()
  end
  if new > 0 or is_news then
    changed()
  end
  return new + missing
end

function verbs.leave()
  redis.call('HDEL', data, ARGV[2])
  if redis.call('ZREM', instances, ARGV[2]) > 0 then
    changed()
  end
  return 1
end

function verbs.forget()
  local forgotten = redis.call('HDEL', contracts, ARGV[2])
  if forgotten > 0 then
    changed()
  end
  return forgotten
end

function verbs.view()
  if forget_gone() > 0 then
    changed()
  end
  local newest = redis.call('GET', version) or ''
  local first = redis.call('ZRANGE', instances, 0, 0, 'WITHSCORES')[2]
  local left = first and text(math.max(1, tonumber(first) - time)) or ''
  if newest == ARGV[2] then
    return { newest, left, text(time) }
  end
  return { newest, left, text(time), redis.call('HVALS', data), redis.call('HVALS', contracts) }
end

return verbs[ARGV[1]]()
