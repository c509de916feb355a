-- Puts replies into the inbox KEYS[1], unless it is gone. ARGV: the replies, or Bundles of them.
even_if_full()
local args = { 'XADD', KEYS[1], 'NOMKSTREAM', '*' }
for i = 1, #ARGV do
  args[#args + 1] = 'm'
  args[#args + 1] = ARGV[i]
end
return redis.call(unpack(args)) and 1 or 0
