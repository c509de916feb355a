-- Counts the entry that was put on a channel just before, in the same transaction, or takes it back. KEYS[1] is the channel's
-- base. ARGV: 1 if it is asked how many consume it, the most messages, the most bytes, how many messages the entry holds, their
-- bytes, and a part of it that no other entry has. Returns how many consume it, or nothing; or 0 if the entry was taken back,
-- because there is no room for all of it, or because something is to be put right first.
local base, count, size, call = KEYS[1], ARGV[4], ARGV[5], redis.call
local work, sums = base .. ':work', base .. ':count'
local waiting, known = call('XLEN', work) - 1, redis.pcall('HMGET', sums, 'bytes', 'more', 'kept', 'enqueued')
if not known.err then
  local kept = tonumber(known[3] or 0)
  local bytes, more = math.max(0, known[1] or 0), math.max(0, known[2] or 0)
  if waiting == 0 then
    bytes, more = math.max(0, kept), 0
  end
  local aside = kept > 0 and call('ZCARD', base .. ':later') + call('XLEN', base .. ':dead')
  local is_counted = waiting + more + (aside or 0) + count <= tonumber(ARGV[2]) and bytes + size <= tonumber(ARGV[3])
  if is_counted and aside ~= 0 then
    call('HSET', sums, 'bytes', bytes + size, 'more', more + count - 1, 'enqueued', (known[4] or 0) + count)
    return { ARGV[1] == '1' and call('HLEN', base .. ':workers') }
  end
end
local last = call('XREVRANGE', work, '+', '-', 'COUNT', 1)[1]
if last and string.find(last[2][2], ARGV[6], 1, true) then
  call('XDEL', work, last[1])
end
return 0
