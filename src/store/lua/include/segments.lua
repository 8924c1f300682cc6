-- The log as one, though its oldest events are in segments: a part of the
-- scripts that include it, in which LOG is the key of the log.  Redis cannot
-- inflate: such an entry is {id, segment, from, size, value}, a slice of what
-- the segment inflates to, and becomes an ordinary one when the reply arrives;
-- see store/segment.h, also for what a segment looks like.
--
-- segs  sorted set, all scores 0: a member for each segment, its last id and
--       its first one, padded, so that they are in the order of the log.  Of
--       one from which events were erased they may be those of the erased
-- seg   hash: the segments by these; and n, raw, bytes: how many events are in
--       them, and how large these were and are

local SEGS = string.sub(LOG, 1, -4) .. 'segs'
local SEG = string.sub(LOG, 1, -4) .. 'seg'
local HIGHEST = '18446744073709551615'

local seg_last = redis.call('ZREVRANGE', SEGS, 0, 0)[1]
local seg_end = seg_last and string.sub(seg_last, 1, 40)
local seg_read = {}

-- an id that may lack its second number
local function seg_pad(id, seq)
    local a, b = string.match(id, '^(%d+)%-?(%d*)$')
    b = b ~= '' and b or seq or '0'
    return string.rep('0', 20 - #a) .. a .. string.rep('0', 20 - #b) .. b
end

local function seg_unpad(text)
    return string.match(string.sub(text, 1, 20), '^0*(%d+)$') .. '-'
           .. string.match(string.sub(text, 21, 40), '^0*(%d+)$')
end

-- "-", "+", "ID" or "(ID", and whether the id itself is not meant
local function seg_bound(text, seq)
    if text == '-' or text == '+' then
        return string.rep(text == '-' and '0' or '9', 40), false
    end
    local open = string.sub(text, 1, 1) == '('
    return seg_pad(open and string.sub(text, 2) or text, seq), open
end

local function seg_get(member)
    local s = seg_read[member]
    if not s then
        local value = redis.call('HGET', SEG, member)
        s = { member = member, value = value, n = 0 }
        if value then
            local dict
            s.wide = string.sub(value, 2, 2) == 'W'
            s.n, s.base, dict = struct.unpack('>I4I8I4', value, 3)
            s.at = 19 + dict
        end
        seg_read[member] = s
    end
    return s
end

local function seg_record(s, i)
    return struct.unpack('>I4I4I4I2', s.value, s.at + 14 * (i - 1))
end

-- how large its events were
local function seg_raw(s)
    return s.n > 0 and select(3, seg_record(s, s.n)) or 0
end

-- the first of its events that is not before the place, or n + 1
local function seg_seek(s, place, open)
    if s.wide then
        local id = string.sub(s.member, 1, 40)
        return (id < place or open and id == place) and 2 or 1
    end
    local ms = tonumber(string.sub(place, 1, 20)) - (s.base or 0)
    local seq = tonumber(string.sub(place, 21))
    local low, high = 1, s.n + 1
    while low < high do
        local i = math.floor((low + high) / 2)
        local m, q = seg_record(s, i)
        if m < ms or m == ms and (q < seq or open and q == seq) then
            low = i + 1
        else
            high = i
        end
    end
    return low
end

local function seg_entry(s, i)
    local ms, seq, to, pair = seg_record(s, i)
    local from, _ = 0, nil
    if i > 1 then
        _, _, from = seg_record(s, i - 1)
    end
    return { s.wide and seg_unpad(s.member)
                 or string.format('%.0f-%.0f', s.base + ms, seq),
             s.member, from, to - from, '', segment = s, pair = pair }
end

local function log_range(from, to, count)
    local low, open = seg_bound(from)
    if not seg_end or low > seg_end then
        return redis.call('XRANGE', LOG, from, to, 'COUNT', count)
    end

    local high, shut = seg_bound(to, HIGHEST)
    local list, at = {}, '[' .. low
    while #list < count do
        local member = redis.call('ZRANGEBYLEX', SEGS, at, '+',
                                  'LIMIT', 0, 1)[1]
        if not member then
            break
        end
        if string.sub(member, 41) > high then
            return list
        end

        local s = seg_get(member)
        local i, stop = seg_seek(s, low, open), s.n + 1
        if high <= string.sub(member, 1, 40) then
            stop = seg_seek(s, high, not shut)
        end
        while i < stop and #list < count do
            list[#list + 1] = seg_entry(s, i)
            i = i + 1
        end
        at = '(' .. member
    end

    if #list < count then
        for _, entry in ipairs(redis.call('XRANGE', LOG, from, to,
                                          'COUNT', count - #list))
        do
            list[#list + 1] = entry
        end
    end
    return list
end

local function log_revrange(max, min, count)
    local list = redis.call('XREVRANGE', LOG, max, min, 'COUNT', count)
    local low, open = seg_bound(min)
    if #list >= count or not seg_end or low > seg_end then
        return list
    end

    local high, shut = seg_bound(max, HIGHEST)
    local member = redis.call('ZRANGEBYLEX', SEGS, '[' .. high, '+',
                              'LIMIT', 0, 1)[1] or seg_last
    while member and #list < count and string.sub(member, 1, 40) >= low do
        local s = seg_get(member)
        local i, stop = seg_seek(s, high, not shut) - 1,
                        seg_seek(s, low, open)
        while i >= stop and #list < count do
            list[#list + 1] = seg_entry(s, i)
            i = i - 1
        end
        member = redis.call('ZREVRANGEBYLEX', SEGS, '(' .. member, '-',
                            'LIMIT', 0, 1)[1]
    end
    return list
end

-- one entry, or nil
local function log_entry(id)
    local entry = redis.call('XRANGE', LOG, id, id)[1]
    if entry or not seg_end then
        return entry
    end
    return log_range(id, id, 1)[1]
end

local function log_size(entry)
    if entry.segment then
        return entry[4]
    end
    local size = 0
    for _, text in ipairs(entry[2]) do
        size = size + #text
    end
    return size
end

-- whatever is sent of the log passes here: a segment goes with the first of
-- its entries
local function log_sent(entry)
    local s = entry and entry.segment
    if s and not s.sent then
        s.sent = true
        entry[5] = s.value
    end
    return entry
end

-- tenant and type
local function log_tags(entry)
    local s = entry.segment
    if not s then
        local f, tenant, type = entry[2], '', ''
        for i = 1, #f, 2 do
            if f[i] == 't' then
                type = f[i + 1]
            elseif f[i] == 'n' then
                tenant = f[i + 1]
            end
        end
        return tenant, type
    end
    if not s.tags then
        local at = 19
        s.tags = {}
        while at < s.at do
            local tenant, type
            tenant, type, at = struct.unpack('>I2c0I2c0', s.value, at)
            s.tags[#s.tags + 1] = { tenant, type }
        end
    end
    local tags = s.tags[entry.pair + 1]
    return tags[1], tags[2]
end
