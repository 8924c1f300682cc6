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

local max, min = ARGV[1], ARGV[2]
local limit, bytes, left = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local tenant, type = ARGV[6], ARGV[7]

local STEP = 64
local out, size, step = { '' }, 0, 1

-- its bytes, or nothing if it is not wanted
local function wanted(fields)
    local sum, t, n = 0, '', ''
    for i = 1, #fields, 2 do
        sum = sum + #fields[i] + #fields[i + 1]
        if fields[i] == 't' then
            t = fields[i + 1]
        elseif fields[i] == 'n' then
            n = fields[i + 1]
        end
    end
    return sum, n == tenant and (type == '' or t == type)
end

while left > 0 do
    local count = math.min(left, step)
    local page = redis.call('XREVRANGE', KEYS[1], max, min, 'COUNT', count)
    local read = 0

    for _, entry in ipairs(page) do
        local sum, fits = wanted(entry[2])
        read = read + sum
        out[1] = entry[1]

        if fits then
            out[#out + 1] = entry
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
