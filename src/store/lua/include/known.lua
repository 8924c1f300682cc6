-- What was published within a day under a name: a uid, or a key.  A part of the
-- scripts that include it, in which LOG is the key of the log.  A key for each
-- name would take 250 bytes, and make a slot of a cluster long to migrate; so
-- there are at most 64 hashes, whose fields hold some records each.
--
-- known      "slice fields fields fields former both": the number of the last
--            slice of time, each of half a day or longer; how many fields the
--            hashes of it and of the two before began with; and until when, in
--            ms, there may be id:<digest> and once:<digest>, the keys of a
--            former version, and a worker that reads nothing else
-- known:now  the same, packed, while new names belong to that slice, half a
--            day; former and both are 1 or 0 in it
-- known:<slice>:<first digit of the digest>
--            hash: number of a field -> records, of 28 bytes: 10 of the name's
--            digest, 8 of the body's, and the id, 6 and 4 bytes.  Where a field
--            is full a name's place is one among four times as many
--
-- A record counts for a day from its id on, and its hash is there for longer: a
-- day from the end of its slice on.
-- An id:<digest> is "<stream id> <digest of the body>", a once:<digest> is the
-- digest of what was asked.

local DAY, RECORD, FULL, GROWTH = 86400000, 28, 16 * 28, 4
local KNOWN = string.sub(LOG, 1, -4) .. 'known'
local known_slice, known_open, known_former, known_both
local known_fields, known_got = {}, {}

-- former and both are 0, or another number
local function known_load()
    local now = redis.call('GET', KNOWN .. ':now')
    local a, b, c

    if now then
        known_slice, a, b, c, known_former, known_both =
            struct.unpack('>I4I4I4I4BB', now)
    else
        known_slice, a, b, c, known_former, known_both =
            string.match(redis.call('GET', KNOWN) or '0 0 0 0 1 0',
                         '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    end

    known_open = now
    known_slice = tonumber(known_slice)
    known_former, known_both = tonumber(known_former), tonumber(known_both)
    known_fields = { tonumber(a), tonumber(b), tonumber(c) }
end

-- {id =, body =, hash =, field =} of a digest in hex and the name in records;
-- or {slice =, hash =, field =}, where a record of it would be written now
local function known_get(digest, name)
    if not known_slice then
        known_load()
    end

    local number = tonumber(string.sub(digest, 2, 9), 16)
    local digit = ':' .. string.sub(digest, 1, 1)
    local place = {}

    for i = 1, 3 do
        local fields = known_fields[i]
        local hash, field

        if fields > 0 then
            hash = KNOWN .. ':' .. (known_slice + 1 - i) .. digit
        end

        while fields > 0 do
            field = string.format('%d', fields + number % fields)

            local records = known_got[hash .. field]

            if not records then
                records = redis.call('HGET', hash, field) or ''
                known_got[hash .. field] = records
            end

            local at = string.find(records, name, 1, true)

            while at do
                if at % RECORD == 1 then
                    local body, high, low, seq =
                        struct.unpack('>c8I2I4I4', records, at + 10)
                    local ms = high * 4294967296 + low

                    if ms + DAY > redis.call('TIME')[1] * 1000 then
                        return { id = string.format('%.0f-%.0f', ms, seq),
                                 body = body, hash = hash, field = field }
                    end
                end

                at = string.find(records, name, at + 1, true)
            end

            fields = #records >= FULL and fields * GROWTH or 0
        end

        if i == 1 and known_open then
            place.slice, place.hash, place.field = known_slice, hash, field
        end
    end

    return place
end
