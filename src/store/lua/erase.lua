#!lua
-- Erases an event: from the log, from what waits for another attempt, and what
-- its receivers answered.  Its deliveries are dead, "erased".
--
-- KEYS  1 log  2 subs:log, so that the owners look  3 subs:ver
--       then for each subscription: retry:<sub>  tries:<sub>  dead:<sub>
--       attempts:<sub>  due:<bucket>
-- ARGV  1 id of the event  2 its milliseconds
--       3 the id as the attempt log has it, "ms seq" in hex
--       4 "", or the name of the segment that has it, see segments.lua
--       5 digest of that segment, 6 the same without the event; "": it was the
--         only one
--       then for each subscription: its id, and 1 if the event was for it
-- reply how many entries of the log there were; or its entry, and nothing is
--       done: it is in a segment, and not in the one that was told

local LOG, CHANGES, VERSION = KEYS[1], KEYS[2], KEYS[3]
local id, ms, hex = ARGV[1], ARGV[2], ARGV[3]
local name, digest, value = ARGV[4], ARGV[5], ARGV[6]
local call = redis.call
-- include segments

-- include attempts

local function erased(numbers)
    return string.sub(numbers, 1, #hex + 2) == ' ' .. hex .. ' '
end

-- whether the log has attempts of it; what follows the first of them is written
-- again, in its order
local function forget(attempts)
    local from, before, tail = '-', nil, {}

    while true do
        local page = call('XRANGE', attempts, from, '+', 'COUNT', 100)
        for _, entry in ipairs(page) do
            local f = entry[2]
            local its = string.find('\n' .. f[2], '\n ' .. hex .. ' ', 1, true)
            if #tail > 0 or its then
                tail[#tail + 1] = entry
            else
                before = entry[1]
            end
            from = '(' .. entry[1]
        end
        if #page < 100 then
            break
        end
    end

    if #tail == 0 then
        return false
    end

    for _, entry in ipairs(tail) do
        call('XDEL', attempts, entry[1])
    end
    -- some versions do not go back behind what was deleted: all of it, then
    if call('EXISTS', attempts) == 1
       and redis.pcall('XSETID', attempts, before or '0-0').err
    then
        local kept = call('XRANGE', attempts, '-', '+')
        call('DEL', attempts)
        for _, entry in ipairs(kept) do
            call('XADD', attempts, entry[1], unpack(entry[2]))
        end
    end
    for _, entry in ipairs(tail) do
        local heads, extras = attempts_without(entry[2][2], entry[2][4] or '',
                                                erased)
        if extras == '' then
            call('XADD', attempts, entry[1], 'a', heads)
        else
            call('XADD', attempts, entry[1], 'a', heads, 'x', extras)
        end
    end

    return true
end

-- What follows from the last id that was deleted is that all before it has been
-- lost, see trim.lua: this one is not that.  XSETID takes 0-0 for nothing; 0-1
-- is none of an event, see log_state.lua.
local found = 0
local entry = log_entry(id)
local s = entry and entry.segment
if s and (s.member ~= name or redis.sha1hex(s.value) ~= digest) then
    return log_sent(entry)
end
if entry then
    local stream, info = {}, call('XINFO', 'STREAM', LOG)
    for i = 1, #info, 2 do
        stream[info[i]] = info[i + 1]
    end
    local deleted, added = stream['max-deleted-entry-id'],
                           stream['entries-added']
    if deleted == '0-0' or deleted == '0-1' then
        deleted, added = '0-1', added - 1
    end
    if not s then
        found = call('XDEL', LOG, id)
        call('HINCRBY', SEG, 'erased', 1)
    elseif value == '' then
        found = 1
        call('HDEL', SEG, name)
        call('ZREM', SEGS, name)
    else
        found = 1
        call('HSET', SEG, name, value)
    end
    if s then
        call('HINCRBY', SEG, 'n', -1)
        call('HINCRBY', SEG, 'raw', -entry[4])
        call('HINCRBY', SEG, 'bytes', #value - #s.value)
    end
    call('XSETID', LOG, stream['last-generated-id'],
         'ENTRIESADDED', added, 'MAXDELETEDID', deleted)
end

for i = 1, (#ARGV - 6) / 2 do
    local sub, mine = ARGV[2 * i + 5], ARGV[2 * i + 6] == '1'
    local key = 5 * i - 2
    local retry, tries, dead = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
    local attempts, due = KEYS[key + 4], KEYS[key + 5]

    if call('ZREM', retry, id) == 1 then
        mine = true
        call('HDEL', tries, id)
        local first = call('ZRANGE', retry, 0, 0, 'WITHSCORES')
        if first[2] then
            call('ZADD', due, first[2], sub)
        else
            call('ZREM', due, sub)
        end
    end

    for _, e in ipairs(call('ZRANGEBYSCORE', dead, ms, ms)) do
        if string.match(e, '^%S+') == id then
            mine = true
            call('ZREM', dead, e)
        end
    end

    mine = forget(attempts) or mine

    if mine then
        call('ZADD', dead, ms, id .. ' erased')
        local version = string.format('%.0f', call('INCR', VERSION))
        call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
             'id', sub, 'op', 'erase', 'ver', version, 'event', id)
    end
end

return found
