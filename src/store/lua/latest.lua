#!lua flags=no-writes
-- Entries of a log, the latest first, of one tenant and perhaps of one type:
-- as many as are asked for, or as are together about so large, or as were
-- found when so many had been looked at.
--
-- KEYS  1  log
-- ARGV  1  max, 2 min, as XREVRANGE has them
--       3  how many at most  4 bytes  5 how many are looked at
--       6  tenant, or ""  7  type, or ""
-- reply {id of the last one looked at, or "": there are no more, entry, ...}

local LOG = KEYS[1]
-- include segments
local max, min = ARGV[1], ARGV[2]
local limit, bytes, left = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local tenant, type = ARGV[6], ARGV[7]

local STEP = 64
local out, size, step = { '' }, 0, 1

while left > 0 do
    local count = math.min(left, step)
    local page = log_revrange(max, min, count)
    local read = 0

    for _, entry in ipairs(page) do
        local sum, n, t = log_size(entry), log_tags(entry)
        read = read + sum
        out[1] = entry[1]

        if n == tenant and (type == '' or t == type) then
            out[#out + 1] = log_sent(entry)
            size = size + sum
            if #out > limit or size >= bytes then
                return out
            end
        end
        max = '(' .. entry[1]
    end

    if #page < count then
        out[1] = ''
        return out
    end

    left = left - count
    step = read < bytes / STEP and math.min(step * 4, STEP) or 1
end

return out
