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
--       +2     digest of what is asked, where the publish has a name, and
--       +3     18 bytes: the name and this as they stand in records
--       +4     digest of its body, where it has a key, and
--       +5     18 bytes, as above
--       +6     digest of the value that must differ from the last one's, and
--       +7     milliseconds after which that is forgotten, where it has one
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
-- A last:<digest> holds "<stream id> <digest of the value>": it counts while
-- that entry is there.  What id:<digest> and once:<digest> stand for is among
-- other names, see known.lua; they are keys for workers of a former version.

local MORE, KEY, VALUE, ON, OFF, REQUEST = 1, 2, 4, 8, 16, 32

local call, band = redis.call, bit.band
local LOG, settings = KEYS[1], KEYS[2]
-- include segments
-- include known
local WORKERS = string.sub(LOG, 1, -4) .. 'workers'
local limit, first = tonumber(ARGV[1]), tonumber(ARGV[2])
local flags = call('EXISTS', settings) == 1
local key, arg, nargs = first and 3 or 2, 4, #ARGV
local known, lasts, replies = {}, {}, {}

-- begins a slice; where the one before has one, how full a digest's fields are
-- there says how many there should be
local function begin_slice(digest)
    local MEAN, FIRST, LEAST, MOST = 10, 64, 16, 65536
    local time = call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local text = call('GET', KNOWN)

    if not text then
        local former = false

        for _, worker in ipairs(call('ZRANGE', WORKERS, 0, -1)) do
            former = former or not string.find(worker, '^~?2:3:')
        end

        text = string.format('0 0 0 0 %.0f %.0f', now + DAY,
                             former and now + DAY or 0)
    end

    local slice, a, b, c, ends, both =
        string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    local hash = KNOWN .. ':' .. slice .. ':' .. string.sub(digest, 1, 1)
    local number = tonumber(string.sub(digest, 2, 9), 16)
    local n, fields = 0, tonumber(a)

    while fields > 0 do
        local bytes = #(call('HGET', hash, fields + number % fields) or '')

        n = n + fields * bytes / RECORD
        fields = bytes >= FULL and fields * GROWTH or 0
    end

    fields = a == '0' and FIRST
             or math.min(math.max(math.ceil(n / MEAN), LEAST), MOST)

    call('SET', KNOWN, string.format('%d %d %s %s %s %s', slice + 1, fields, a,
                                     b, ends, both))
    call('SET', KNOWN .. ':now',
         struct.pack('>I4I4I4I4BB', slice + 1, fields, a, b,
                     tonumber(ends) > now and 1 or 0,
                     tonumber(both) > now and 1 or 0),
         'PX', DAY / 2)
    known_load()
end

-- place: what known_get() said, used if it is still the one
local function remember(place, digest, head, ms, seq)
    if not known_open then
        begin_slice(digest)
    end

    if place.slice ~= known_slice
        or #known_got[place.hash .. place.field] >= FULL
    then
        place = known_get(digest, string.sub(head, 1, 10))
    end

    local hash, field = place.hash, place.field
    local records = known_got[hash .. field]
    local now = records .. head .. struct.pack('>I2I4I4',
                                               math.floor(ms / 4294967296),
                                               ms % 4294967296, seq)

    call('HSET', hash, field, now)
    known_got[hash .. field] = now

    if records == '' then
        call('PEXPIRE', hash, call('PTTL', KNOWN .. ':now') + DAY)
    end
end

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

-- the first half of a digest in hex, as it stands in records
local function half(digest)
    return struct.pack('>I4I4', tonumber(string.sub(digest, 1, 8), 16),
                       tonumber(string.sub(digest, 9, 16), 16))
end

-- what is under a last: key, with the changes that this publish makes
local function lookup(name)
    local entry = lasts[name]

    if not entry then
        local value = call('GET', name)

        entry = {}

        if value then
            entry.id, entry.digest = string.match(value, '^(%S+) (%S+)$')
        end

        lasts[name] = entry
    end

    return entry
end

local function is_unchanged(name, digest)
    local last = lookup(name)

    if last.digest == digest
        and (not last.id or log_entry(last.id))
    then
        return true
    end

    last.id, last.digest = nil, digest

    return false
end

-- what is known of a name, whose digest is at the end of its key for former
-- versions: {id =, body =} and where that stands
local function lookup_name(digest, head, key)
    local entry = known_get(digest, string.sub(head, 1, 10))

    if not entry.body and known_former ~= 0 then
        local former = call('GET', key)

        if former then
            entry.id = string.match(former, '^(%S+) ')
            entry.body = half(string.match(former, '%x+$'))
            entry.former = true
        end
    end

    return entry
end

-- false: it will be appended; true: it was; else why it is not to be
local function judge(event)
    local seen = event.key and known[event.key]

    if event.key and not seen then
        seen = lookup_name(string.sub(event.key, -32), event.head, event.key)
        known[event.key] = seen
    end

    if seen then
        seen.body = seen.body or event.half

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

-- rewrites what was found, so that a WAIT behind this script has something to
-- wait for: the first answer may have been lost before a replica had it
local function touch(found, key, value)
    if not found.former then
        call('HSET', found.hash, found.field,
             known_got[found.hash .. found.field])
    else
        call('SET', key, value, 'KEEPTTL')
    end
end

local function append(event, id)
    if id == true then
        local entry = known[event.key]

        id = entry.id

        if not entry.new then
            touch(entry, event.key, id .. ' ' .. event.body)
        end

    elseif not id then
        id = call('XADD', LOG, '*', unpack(ARGV, event.at, event.to))

        if event.key then
            local entry = known[event.key]
            local ms, seq = string.match(id, '^(%d+)-(%d+)$')

            entry.id, entry.new = id, true
            remember(entry, string.sub(event.key, -32), event.head, ms, seq)

            if known_both == 1 then
                call('SET', event.key, id .. ' ' .. event.body, 'PX', DAY)
            end
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
    local request, print, named = events[1].request, events[1].print
    local asked = {}

    known, lasts = {}, {}

    if request then
        -- digest backwards: an event's may be the same

        named = string.reverse(string.sub(request, -32))
        asked = lookup_name(named, events[1].named, request)

        if asked.body and asked.body ~= string.sub(events[1].named, 11) then
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

            if event.key and known[event.key].body ~= event.half then
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

    if asked.body then
        touch(asked, request, print)

    elseif request then
        local time = call('TIME')

        remember(asked, named, events[1].named,
                 time[1] * 1000 + math.floor(time[2] / 1000), 0)

        if known_both == 1 then
            call('SET', request, print, 'PX', DAY)
        end
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
        event.request = KEYS[key]
        event.print, event.named = ARGV[arg], ARGV[arg + 1]
        arg = arg + 2
    end

    if band(bits, KEY) > 0 then
        key = key + 1
        event.key = KEYS[key]
        event.body, event.head = ARGV[arg], ARGV[arg + 1]
        event.half = string.sub(event.head, 11)
        arg = arg + 2
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
