-- Opens the inbox KEYS[1] for ARGV[1] ms, or keeps it for that long if it is there and ARGV[2] is the
-- reader's place in it. Returns where to read on, or nothing if the inbox was gone.
even_if_full()
if ARGV[2] ~= '' then
  return redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 1 and ARGV[2] or false
end
local id = redis.call('XADD', KEYS[1], '*', 'o', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return id
