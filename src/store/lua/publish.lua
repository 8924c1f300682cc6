#!lua
-- Appends events to a log: one publish or several of them, each with all of
-- its events or none.
--
-- KEYS  1      the log (stream)
--       2      settings, see settings.lua
--       3      only where ARGV 2 is a number: from:<publisher>, the number of
--              its last event that was appended, or skipped
--       ...    for each event in their order: once:<digest> where it begins a
--              named publish, id:<digest> where it has a key, last:<digest>
--              where it has a value
-- ARGV  1      bytes that the log may take, 0: no limit
--       2      a publisher numbers its events, one by one, to append each once
--              however often it is sent: the number of the first one; or "".
--              They are one publish, alone in its call
--       3      the number up to which it needs no answer any more
--       ...    for each event:
--       +1     64 times the number of strings in its entry, and the sum of
--                 1  the next event belongs to the same publish
--                 2  it has a key
--                 4  it has a value
--                 8  it is on where no flag says so, or
--                16  it is off; neither: it has no flag
--                32  the publish that it begins has a name
--              without any string it takes up a number only
--       +2     digest of what is asked, where the publish has a name
--       +3     digest of its body, where it has a key
--       +4     digest of the value that must differ from the last one's, and
--       +5     milliseconds after which that is forgotten, where it has one
--       ...    the entry: name, value, ...; t comes first, then n where there
--              is a tenant
-- reply for each publish the id of its event, where that is one and was
--       appended now; or
--       {"ok", number of those that are not repeated, id, ...}  one id per
--                      event; of one that was not appended: "off",
--                      "unchanged", or "done" by its number
--       {"conflict", index}  from 0: its key, or the publish's name, was used
--                      with another body
--       {"full"}             the log has reached its size
--       {"gap"}              an event with a lower number is not here yet
--       an error that is this publish's own
--
-- An id:<digest> holds "<stream id> <digest of the body>", a last:<digest>
-- "<stream id> <digest of the value>": it counts while that entry is there.
-- A once:<digest> holds the digest of what was asked.

local DAY = 86400000
local MORE, KEY, VALUE, ON, OFF, REQUEST = 1, 2, 4, 8, 16, 32

local call, band = redis.call, bit.band
local LOG, settings = KEYS[1], KEYS[2]
-- include segments
local limit, first = tonumber(ARGV[1]), tonumber(ARGV[2])
local flags = call('EXISTS', settings) == 1
local key, arg, nargs = first and 3 or 2, 4, #ARGV
local known, lasts, replies = {}, {}, {}

-- the flag of the tenant, else that of the root, else what is declared
local function is_off(event)
    if not event.flagged or not flags then
        return event.off
    end

    local at = event.at
    local field = 'f:' .. ARGV[at + 1] .. ':'
    local flag

    if ARGV[at + 2] == 'n' then
        flag = call('HGET', settings, field .. ARGV[at + 3])
    end

    flag = flag or call('HGET', settings, field)

    if flag then
        return flag == '0'
    end

    return event.off
end

-- what is under an id: or last: key, with the changes that this publish makes
local function lookup(cache, name)
    local entry = cache[name]

    if not entry then
        local value = call('GET', name)

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
        and (not last.id or log_entry(last.id))
    then
        return true
    end

    last.id, last.digest = nil, digest

    return false
end

-- false: it will be appended; true: it was; else why it is not to be
local function judge(event)
    local seen = event.key and lookup(known, event.key)

    if seen then
        seen.digest = seen.digest or event.body

        -- what was published stays so, whatever is off since then

        if seen.id or seen.taken then
            return true
        end
    end

    if is_off(event) then
        return 'off'
    end

    if event.last and is_unchanged(event.last, event.value) then
        return 'unchanged'
    end

    if seen then
        seen.taken = true
    end

    return false
end

local function append(event, id)
    if id == true then
        id = known[event.key].id

        -- rewritten, so that a WAIT behind this script has something to wait
        -- for: the first answer may have been lost before a replica had it

        call('SET', event.key, id .. ' ' .. event.body, 'KEEPTTL')

    elseif not id then
        id = call('XADD', LOG, '*', unpack(ARGV, event.at, event.to))

        if event.key then
            known[event.key].id = id
            call('SET', event.key, id .. ' ' .. event.body, 'PX', DAY)
        end

        if event.last then
            call('SET', event.last, id .. ' ' .. event.value, 'PX',
                 event.keep)
        end
    end

    return id
end

local function publish(events)
    local ids, new, skipped, done = {}, 0, 0, 0
    local request, print = events[1].request, events[1].print

    known, lasts = {}, {}

    if request then
        local was = call('GET', request)

        if was and was ~= print then
            return { 'conflict', 0 }
        end
    end

    if first then
        local last = tonumber(call('GET', KEYS[3]) or 0)

        last = math.max(last, tonumber(ARGV[3]))

        if first > last + 1 then
            return { 'gap' }
        end

        done = last + 1 - first
    end

    for i, event in ipairs(events) do
        if i <= done or event.to < event.at then
            ids[i] = 'done'

        else
            ids[i] = judge(event)

            if event.key and known[event.key].digest ~= event.body then
                return { 'conflict', i - 1 }
            end

            if not ids[i] then
                new = new + 1
            elseif ids[i] ~= true then
                skipped = skipped + 1
            end
        end
    end

    if new > 0 and limit > 0 then
        local size = call('MEMORY', 'USAGE', LOG)

        size = (size or 0) + (call('HGET', SEG, 'bytes') or 0)

        if size >= limit then
            return { 'full' }
        end
    end

    for i, event in ipairs(events) do
        ids[i] = append(event, ids[i])
    end

    if first then
        call('SET', KEYS[3],
             string.format('%.0f', first - 1 + math.max(#events, done)),
             'PX', DAY)
    end

    if request then
        call('SET', request, print, 'PX', DAY)
    end

    return { 'ok', new + skipped, unpack(ids) }
end

-- the event whose number of strings and bits these are, and what is behind it
local function read(strings, bits)
    local flag = band(bits, ON + OFF)
    local event = { flagged = flag > 0, off = flag >= OFF }

    arg = arg + 1

    if band(bits, REQUEST) > 0 then
        key = key + 1
        event.request, event.print = KEYS[key], ARGV[arg]
        arg = arg + 1
    end

    if band(bits, KEY) > 0 then
        key = key + 1
        event.key, event.body = KEYS[key], ARGV[arg]
        arg = arg + 1
    end

    if band(bits, VALUE) > 0 then
        key = key + 1
        event.last, event.value, event.keep = KEYS[key], ARGV[arg],
                                              ARGV[arg + 1]
        arg = arg + 2
    end

    event.at = arg
    arg = arg + strings
    event.to = arg - 1

    return event
end

local events = {}

while arg <= nargs do
    local head = tonumber(ARGV[arg])
    local bits = head % 64
    local strings = (head - bits) / 64

    -- most are alone, and there is nothing to ask before

    if (bits == 0 or bits == ON and not flags)
        and limit == 0 and not first and #events == 0
    then
        replies[#replies + 1] = redis.pcall('XADD', LOG, '*',
                                            unpack(ARGV, arg + 1,
                                                   arg + strings))
        arg = arg + 1 + strings

    else
        events[#events + 1] = read(strings, bits)

        if band(bits, MORE) == 0 then
            local ok, reply = pcall(publish, events)

            if not ok and type(reply) ~= 'table' then
                reply = redis.error_reply('ERR ' .. tostring(reply))
            end

            replies[#replies + 1] = reply
            events = {}
        end
    end
end

return replies
