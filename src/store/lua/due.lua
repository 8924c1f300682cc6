#!lua flags=no-writes
-- The events of one subscription that are to be tried again.
--
-- KEYS  1 retry:<sub>  2 tries:<sub>  3 log
-- ARGV  1 now, ms, or "oldest": the one that waits longest, due or not
--       2 how many at most
--       3 "", or "key": of those with the same line, the third word of their
--         tries, only the first by id; "lines" asks for all lines, too
--       4... ids that are passed over: as if they were not there; "=LINE":
--         nothing of that line
-- Reply [number waiting, these too, due time of the first that is not returned
--        or "", [id, line, ...] or nil,
--        event id, tries, entry or nil (not in the log any more), ...], as many
--        as are together about so large

local LOG = KEYS[3]
-- include segments
local LARGE = 2097152
local now = tonumber(ARGV[1]) or math.huge
local size = 0
local limit = tonumber(ARGV[2])
local mode = ARGV[3]
local passed = {}

for i = 4, #ARGV do
    passed[ARGV[i]] = true
end

local function before(a, b)
    local am, as = string.match(a, '^(%d+)-(%d+)$')
    local bm, bs = string.match(b, '^(%d+)-(%d+)$')
    if am == bm then
        return tonumber(as) < tonumber(bs)
    end
    return tonumber(am) < tonumber(bm)
end

local found
local line, first = {}, {}

if mode == '' then
    found = redis.call('ZRANGE', KEYS[1], 0, limit + #ARGV - 3, 'WITHSCORES')
else
    found = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')

    local tries = redis.call('HGETALL', KEYS[2])
    for i = 1, #tries, 2 do
        line[tries[i]] = string.match(tries[i + 1], '^%d+ %d+ (%x+)$')
    end

    for i = 1, #found, 2 do
        local id = found[i]
        local l = line[id]
        if l and not passed[id] and (not first[l] or before(id, first[l])) then
            first[l] = id
        end
    end
end

local reply = { redis.call('ZCARD', KEYS[1]), '', false }

if mode == 'lines' then
    reply[3] = {}
    for i = 1, #found, 2 do
        if line[found[i]] then
            table.insert(reply[3], found[i])
            table.insert(reply[3], line[found[i]])
        end
    end
end

for i = 1, #found, 2 do
    local id, due = found[i], found[i + 1]
    local l = line[id]

    if not passed[id]
       and not (l and (passed['=' .. l] or first[l] ~= id))
    then
        if limit == 0 or size >= LARGE or tonumber(due) > now then
            reply[2] = due
            break
        end

        local entry = log_sent(log_entry(id))
        reply[#reply + 1] = id
        reply[#reply + 1] = redis.call('HGET', KEYS[2], id) or ''
        reply[#reply + 1] = entry or false
        limit = limit - 1

        size = size + (entry and log_size(entry) or 0)
    end
end

return reply
