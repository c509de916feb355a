-- Puts events on every group of a topic, each event on all of them or on none. KEYS[1] is the base of the
-- topic's groups, KEYS[2] the hash of their names: d for one that stays, e for one that goes with its last
-- consumer. ARGV: the most messages, the most bytes, then the events. Returns the refused ones: index,
-- group, ...
local groups, names = {}, redis.call('HGETALL', KEYS[2])
for i = 1, #names, 2 do
  local ch = channel(KEYS[1] .. names[i])
  if names[i + 1] == 'e' and redis.call('EXISTS', ch.work) == 0 then
    redis.call('HDEL', KEYS[2], names[i])
  else
    ch.name = names[i]
    ch.load = load_of(ch)
    groups[#groups + 1] = ch
  end
end
local most_messages, most_bytes, refused = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for i = 3, #ARGV do
  local body, full = ARGV[i], nil
  for _, ch in ipairs(groups) do
    if ch.load.messages >= most_messages or ch.load.bytes + #body > most_bytes then
      full = ch.name
    end
  end
  if full then
    refused[#refused + 1] = i - 2
    refused[#refused + 1] = full
  else
    for _, ch in ipairs(groups) do
      redis.call('XADD', ch.work, '*', 'e', body)
      took(ch.load, 1, #body)
    end
  end
end
for _, ch in ipairs(groups) do
  count_load(ch, ch.load)
end
return refused
