#!lua
-- Appends events to a log: all of them or none.
--
-- KEYS  1      the log (stream)
--       2...   id:<digest>, one per event that has a key, in their order
-- ARGV  1      bytes that the log may take, 0: no limit
--       2      number of events, then for each event
--       +1     digest of its body, or "" for an event without a key
--       +2     number of the strings that follow
--       +3...  the fields of the entry: name, value, ...
-- reply {"ok", number of new ones, id, ...}  one id per event
--       {"conflict", index}  from 0: its key was used with another body
--       {"full"}             the log has reached its size
--
-- An id:<digest> holds "<stream id> <digest of the body>".

local DAY = 86400000

local log = KEYS[1]
local n = tonumber(ARGV[2])
local known, ids = {}, {}
local new, key, arg = 0, 1, 3

for i = 1, n do
    local body = ARGV[arg]

    if body == '' then
        new = new + 1

    else
        key = key + 1

        local name = KEYS[key]
        local seen = known[name]

        if not seen then
            local value = redis.call('GET', name)

            seen = { body = body }

            if value then
                seen.id, seen.body = string.match(value, '^(%S+) (%S+)$')
            else
                new = new + 1
            end

            known[name] = seen
        end

        if seen.body ~= body then
            return { 'conflict', i - 1 }
        end
    end

    arg = arg + 2 + tonumber(ARGV[arg + 1])
end

if new > 0 and ARGV[1] ~= '0' then
    local size = redis.call('MEMORY', 'USAGE', log)

    if size and size >= tonumber(ARGV[1]) then
        return { 'full' }
    end
end

key, arg = 1, 3

for i = 1, n do
    local body = ARGV[arg]
    local last = arg + 1 + tonumber(ARGV[arg + 1])
    local name, id

    if body ~= '' then
        key = key + 1
        name = KEYS[key]
        id = known[name].id
    end

    if not id then
        id = redis.call('XADD', log, '*', unpack(ARGV, arg + 2, last))

        if name then
            known[name].id = id
            redis.call('SET', name, id .. ' ' .. body, 'PX', DAY)
        end

    else
        -- rewritten, so that a WAIT behind this script has something to wait
        -- for: the first answer may have been lost before a replica had it
        redis.call('SET', name, id .. ' ' .. body, 'KEEPTTL')
    end

    ids[i] = id
    arg = last + 1
end

return { 'ok', new, unpack(ids) }
