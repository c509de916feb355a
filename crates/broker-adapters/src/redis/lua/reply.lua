-- Puts replies into the inbox KEYS[1], unless it is gone. ARGV: the replies, which share an entry.
even_if_full()
return redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'm', bundle(ARGV)) and 1 or 0
