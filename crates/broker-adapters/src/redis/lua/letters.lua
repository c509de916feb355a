-- Makes dead letters ready again (ARGV[1] is kick) or deletes them (drop): the one with the number ARGV[2],
-- or, if that is 0, the oldest ARGV[3]. Returns how many.
even_if_full()
local ch = channel(KEYS[1])
local from, to = '-', '+'
if ARGV[2] ~= '0' then
  from = ARGV[2] .. '-0'
  to = from
end
local letters, bytes = redis.call('XRANGE', ch.dead, from, to, 'COUNT', ARGV[3]), 0
for _, letter in ipairs(letters) do
  local body = fields_of(letter[2]).e
  keep(ch, -#body)
  if ARGV[1] == 'kick' then
    append(ch, { e = body })
  else
    bytes = bytes + #body
  end
  redis.call('XDEL', ch.dead, letter[1])
end
if bytes > 0 then
  redis.call('HINCRBY', ch.count, 'bytes', -bytes)
end
return #letters
