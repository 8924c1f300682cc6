#!lua flags=no-writes
-- Which deliveries of some subscriptions are dead, or wait for another attempt:
-- the latest of each before a place.
--
-- KEYS  1...  dead:<sub> or retry:<sub>
-- ARGV  1  "dead" or "retry"
--       2  an id of the log, the last that may be, or "": any
--       3  the first that may be
--       4  how many of each at most
-- reply {id, number of the key, id, ...}: behind the first id there may be more
--       than are here; "": there are not

local how, last, first, limit = unpack(ARGV)
local out = { '' }

limit = tonumber(limit)

local function split(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)')
    return tonumber(ms), tonumber(seq)
end

local lms, lseq = nil, nil
if last ~= '' then
    lms, lseq = split(last)
end
local fms, fseq = split(first)

local function within(id)
    local ms, seq = split(id)
    return not (ms < fms or (ms == fms and seq < fseq)
                or (lms and (ms > lms or (ms == lms and seq > lseq))))
end

local function after(a, b)
    local ams, aseq = split(a)
    local bms, bseq = split(b)
    return ams > bms or (ams == bms and aseq > bseq)
end

for i, key in ipairs(KEYS) do
    local ids = {}

    if how == 'dead' then
        -- scores are the ids' milliseconds
        local at = 0
        while #ids <= limit do
            local found = redis.call('ZREVRANGEBYSCORE', key, lms or '+inf',
                                     fms, 'LIMIT', at, 250)
            for _, e in ipairs(found) do
                local id = string.match(e, '^%S+')
                if within(id) then
                    ids[#ids + 1] = id
                end
            end
            at = at + 250
            if #found < 250 then
                break
            end
        end
    else
        -- a set that is bounded, in the order of dues
        for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
            if within(id) then
                ids[#ids + 1] = id
            end
        end
    end

    table.sort(ids, after)
    if #ids > limit and (out[1] == '' or after(ids[limit], out[1])) then
        out[1] = ids[limit]
    end
    for n = 1, math.min(#ids, limit) do
        out[#out + 1] = i
        out[#out + 1] = ids[n]
    end
end

return out
