#!lua flags=no-writes
-- XRANGE of a log, whatever of it is in segments.
--
-- KEYS  1  log
-- ARGV  1  from  2  to, as XRANGE has them  3  how many at most
-- reply {entry, ...}

local LOG = KEYS[1]
-- include segments
local list = log_range(ARGV[1], ARGV[2], tonumber(ARGV[3]))

for _, entry in ipairs(list) do
    log_sent(entry)
end

return list
