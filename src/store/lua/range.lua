#!lua flags=no-writes
-- Reads entries of a log in their order: as many as are asked for, or as are
-- together about so large.  Redis cannot tell how large an entry is: few are
-- read at a time, and those that are too much are not sent.
--
-- KEYS  1  log
-- ARGV  1  from, as XRANGE has it
--       2  how many at most
--       3  bytes; the entry that passes them is the last
-- reply {1: there may be more, entry, ...}

local LOG = KEYS[1]
-- include segments
local STEP = 32
local from, left, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local out, size, step = { 1 }, 0, 1

while left > 0 and size < bytes do
    local count = math.min(left, step)
    local page = log_range(from, '+', count)

    for _, entry in ipairs(page) do
        if size >= bytes then
            return out
        end

        out[#out + 1] = log_sent(entry)
        size = size + log_size(entry)
        from = '(' .. entry[1]
    end

    if #page < count then
        out[1] = 0
        break
    end

    left = left - count
    step = size < bytes / STEP and math.min(step * 4, STEP) or 1
end

return out
