#!lua flags=no-writes
-- The events of one subscription that are to be tried again.
--
-- KEYS  1 retry:<sub>  2 tries:<sub>  3 log
-- ARGV  1 now, ms, or "oldest": the one that waits longest, due or not
--       2 how many at most
--       3... ids that are passed over: as if they were not there
-- Reply [number waiting, these too, due time of the first that is not returned
--        or "",
--        event id, tries, entry or nil (not in the log any more), ...], as many
--        as are together about so large

local LARGE = 2097152
local now = tonumber(ARGV[1]) or math.huge
local size = 0
local limit = tonumber(ARGV[2])
local passed = {}

for i = 3, #ARGV do
    passed[ARGV[i]] = true
end

local found = redis.call('ZRANGE', KEYS[1], 0, limit + #ARGV - 2, 'WITHSCORES')
local reply = { redis.call('ZCARD', KEYS[1]), '' }

for i = 1, #found, 2 do
    local id, due = found[i], found[i + 1]

    if not passed[id] then
        if limit == 0 or size >= LARGE or tonumber(due) > now then
            reply[2] = due
            break
        end

        local entry = redis.call('XRANGE', KEYS[3], id, id)[1]
        reply[#reply + 1] = id
        reply[#reply + 1] = redis.call('HGET', KEYS[2], id) or ''
        reply[#reply + 1] = entry or false
        limit = limit - 1

        for _, text in ipairs(entry and entry[2] or {}) do
            size = size + #text
        end
    end
end

return reply
