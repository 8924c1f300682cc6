#!lua
-- Appends events to a log: all of them or none.
--
-- KEYS  1      the log (stream)
--       2      settings, see settings.lua
--       3...   id:<digest>, one per event that has a key, in their order
-- ARGV  1      bytes that the log may take, 0: no limit
--       2      number of events, then for each event
--       +1     digest of its body, or "" for an event without a key
--       +2     is it on where no flag says so: "1", "0"; "": it has no flag
--       +3     number of the strings that follow
--       +4...  the fields of the entry: name, value, ...; t comes first, then
--              n where there is a tenant
-- reply {"ok", number of those that are not repeated, id, ...}  one id per
--                      event, "off" for one that is off and was not appended
--       {"conflict", index}  from 0: its key was used with another body
--       {"full"}             the log has reached its size
--
-- An id:<digest> holds "<stream id> <digest of the body>".

local DAY = 86400000

local log, settings = KEYS[1], KEYS[2]
local n = tonumber(ARGV[2])
local known, ids, off = {}, {}, {}
local flags = redis.call('EXISTS', settings) == 1
local new, skipped, key, arg = 0, 0, 2, 3

-- the flag of the tenant, else that of the root, else what is declared
local function is_off(at)
    local default = ARGV[at]

    if default == '' or not flags then
        return default == '0'
    end

    local field = 'f:' .. ARGV[at + 3] .. ':'
    local flag

    if ARGV[at + 4] == 'n' then
        flag = redis.call('HGET', settings, field .. ARGV[at + 5])
    end

    return (flag or redis.call('HGET', settings, field) or default) == '0'
end

for i = 1, n do
    local body = ARGV[arg]

    off[i] = is_off(arg + 1)

    if off[i] then
        skipped = skipped + 1
    end

    if body == '' then
        new = new + (off[i] and 0 or 1)

    else
        key = key + 1

        local name = KEYS[key]
        local seen = known[name]

        if not seen then
            local value = redis.call('GET', name)

            seen = { body = body }

            if value then
                seen.id, seen.body = string.match(value, '^(%S+) (%S+)$')
            elseif not off[i] then
                new = new + 1
            end

            known[name] = seen
        end

        if seen.body ~= body then
            return { 'conflict', i - 1 }
        end

        -- what was published stays so, whatever is off since then

        if seen.id and off[i] then
            off[i] = false
            skipped = skipped - 1
        end
    end

    arg = arg + 3 + tonumber(ARGV[arg + 2])
end

if new > 0 and ARGV[1] ~= '0' then
    local size = redis.call('MEMORY', 'USAGE', log)

    if size and size >= tonumber(ARGV[1]) then
        return { 'full' }
    end
end

key, arg = 2, 3

for i = 1, n do
    local body = ARGV[arg]
    local last = arg + 2 + tonumber(ARGV[arg + 2])
    local name, id

    if body ~= '' then
        key = key + 1
        name = KEYS[key]
        id = known[name].id
    end

    if off[i] then
        id = 'off'

    elseif not id then
        id = redis.call('XADD', log, '*', unpack(ARGV, arg + 3, last))

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

return { 'ok', new + skipped, unpack(ids) }
