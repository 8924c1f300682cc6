#!lua
-- Appends events to a log: all of them or none.
--
-- KEYS  1      the log (stream)
--       2      settings, see settings.lua
--       3      only where ARGV 3 is a number: from:<publisher>, the number of
--              its last event that was appended, or skipped
--       ...    for each event in their order: id:<digest> where it has a key,
--              last:<digest> where it has a value
-- ARGV  1      bytes that the log may take, 0: no limit
--       2      number of events
--       3      a publisher numbers its events, one by one, to append each once
--              however often it is sent: the number of the first one; or ""
--       4      the number up to which it needs no answer any more
--       ...    for each event:
--       +1     digest of its body, or "" for an event without a key
--       +2     is it on where no flag says so: "1", "0"; "": it has no flag
--       +3     digest of the value that must differ from the last one's, or ""
--       +4     milliseconds after which that is forgotten
--       +5     number of the strings that follow; 0: takes up a number only
--       +6...  the fields of the entry: name, value, ...; t comes first, then
--              n where there is a tenant
-- reply {"ok", number of those that are not repeated, id, ...}  one id per
--                      event; of one that was not appended: "off",
--                      "unchanged", or "done" by its number
--       {"conflict", index}  from 0: its key was used with another body
--       {"full"}             the log has reached its size
--       {"gap"}              an event with a lower number is not here yet
--
-- An id:<digest> holds "<stream id> <digest of the body>", a last:<digest>
-- "<stream id> <digest of the value>": it counts while that entry is there.

local DAY = 86400000
local HEAD = 5

local log, settings = KEYS[1], KEYS[2]
local n, first = tonumber(ARGV[2]), tonumber(ARGV[3])
local known, lasts, ids, names = {}, {}, {}, {}
local flags = redis.call('EXISTS', settings) == 1
local new, skipped, done, key, arg = 0, 0, 0, 2, 5

-- the flag of the tenant, else that of the root, else what is declared
local function is_off(default, at)
    if default == '' or not flags then
        return default == '0'
    end

    local field = 'f:' .. ARGV[at + 2] .. ':'
    local flag

    if ARGV[at + 3] == 'n' then
        flag = redis.call('HGET', settings, field .. ARGV[at + 4])
    end

    return (flag or redis.call('HGET', settings, field) or default) == '0'
end

-- what is under an id: or last: key, with the changes that this call will make
local function lookup(cache, name)
    local entry = cache[name]

    if not entry then
        local value = redis.call('GET', name)

        entry = {}

        if value then
            entry.id, entry.digest = string.match(value, '^(%S+) (%S+)$')
        end

        cache[name] = entry
    end

    return entry
end

local function is_unchanged(name, digest)
    local last = lookup(lasts, name)

    if last.digest == digest
        and (not last.id
             or #redis.call('XRANGE', log, last.id, last.id) > 0)
    then
        return true
    end

    last.id, last.digest = nil, digest

    return false
end

-- false: it will be appended; true: it was; else why it is not to be
local function judge(i, body, value, at)
    local seen = names[i].id and lookup(known, names[i].id)

    if seen then
        seen.digest = seen.digest or body

        -- what was published stays so, whatever is off since then

        if seen.id or seen.taken then
            return true
        end
    end

    if is_off(ARGV[at - HEAD + 2], at) then
        return 'off'
    end

    if names[i].last and is_unchanged(names[i].last, value) then
        return 'unchanged'
    end

    if seen then
        seen.taken = true
    end

    return false
end

if first then
    local last = tonumber(redis.call('GET', KEYS[3]) or 0)

    last = math.max(last, tonumber(ARGV[4]))

    if first > last + 1 then
        return { 'gap' }
    end

    done = last + 1 - first
    key = 3
end

for i = 1, n do
    local body, value = ARGV[arg], ARGV[arg + 2]
    local at = arg + HEAD - 1
    local fields = tonumber(ARGV[at])

    names[i] = {}

    if body ~= '' then
        key = key + 1
        names[i].id = KEYS[key]
    end

    if value ~= '' then
        key = key + 1
        names[i].last = KEYS[key]
    end

    if i <= done or fields == 0 then
        ids[i] = 'done'

    else
        ids[i] = judge(i, body, value, at)

        if names[i].id and known[names[i].id].digest ~= body then
            return { 'conflict', i - 1 }
        end

        if not ids[i] then
            new = new + 1
        elseif ids[i] ~= true then
            skipped = skipped + 1
        end
    end

    arg = at + fields + 1
end

if new > 0 and ARGV[1] ~= '0' then
    local size = redis.call('MEMORY', 'USAGE', log)

    if size and size >= tonumber(ARGV[1]) then
        return { 'full' }
    end
end

arg = 5

for i = 1, n do
    local body, value, keep = ARGV[arg], ARGV[arg + 2], ARGV[arg + 3]
    local at = arg + HEAD - 1
    local last = at + tonumber(ARGV[at])
    local name = names[i]

    if ids[i] == true then
        ids[i] = known[name.id].id

        -- rewritten, so that a WAIT behind this script has something to wait
        -- for: the first answer may have been lost before a replica had it

        redis.call('SET', name.id, ids[i] .. ' ' .. body, 'KEEPTTL')

    elseif not ids[i] then
        ids[i] = redis.call('XADD', log, '*', unpack(ARGV, at + 1, last))

        if name.id then
            known[name.id].id = ids[i]
            redis.call('SET', name.id, ids[i] .. ' ' .. body, 'PX', DAY)
        end

        if name.last then
            redis.call('SET', name.last, ids[i] .. ' ' .. value, 'PX', keep)
        end
    end

    arg = last + 1
end

if first then
    redis.call('SET', KEYS[3],
               string.format('%.0f', first - 1 + math.max(n, done)),
               'PX', DAY)
end

return { 'ok', new + skipped, unpack(ids) }
