-- Makes dead letters ready again (ARGV[1] is kick) or deletes them (drop): the one with the number ARGV[2],
-- or, if that is 0, the oldest, at most ARGV[3]. Returns how many, and 1 if it was not their size that ended it.
even_if_full()
local ch = channel(KEYS[1])
local from, to = '-', '+'
if ARGV[2] ~= '0' then
  from = ARGV[2] .. '-0'
  to = from
end
local most, done, moved = tonumber(ARGV[3]), 0, 0
while done < most and moved < MOST_BYTES do
  local letter = redis.call('XRANGE', ch.dead, from, to, 'COUNT', 1)[1]
  if not letter then
    break
  end
  local body = fields_of(letter[2]).e
  keep(ch, body, -1)
  if ARGV[1] == 'kick' then
    append(ch, { e = body })
  else
    redis.call('HINCRBY', ch.count, 'bytes', -#body)
  end
  redis.call('XDEL', ch.dead, letter[1])
  done, moved = done + 1, moved + #body
end
return { done, moved < MOST_BYTES and 1 or 0 }
