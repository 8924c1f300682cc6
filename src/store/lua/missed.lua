#!lua flags=no-writes
-- What a subscription has not got, in log order from a place on: what lies
-- after its cursor, what waits for another attempt, what was given up, and the
-- intervals that were skipped.  What it has got is jumped over, so the price
-- is that of what is found.
--
-- KEYS  1  log
--       2  cursor:<bucket>  see subscribe.lua
--       3  pos:<bucket>
--       4  retry:<id>       zset: stream id, score is when it is due
--       5  dead:<id>        zset: "<stream id> <reason>", score is its ms
--       6  gap:<id>         list of "<from> <to>": exclusive, inclusive
-- ARGV  1  id
--       2  from, a stream id, exclusive
--       3  how many entries are looked at
-- reply {looked at up to here, how many, 1: there may be more,
--        what it has selected before (see subscribe.lua) or nil,
--        1: it was selected for sure | 0, entry, ...}, as many
--        as are together about so large

local LOG, CURSORS, POS, RETRY, DEAD, GAPS = unpack(KEYS)
local id, count = ARGV[1], tonumber(ARGV[3])
-- include segments
local ENOUGH = 1000
local LARGE, STEP = 2097152, 32

local function place(text)
    local whole, ms, seq = string.match(text or '', '^((%d+)%-(%d+))')
    return whole and { ms = tonumber(ms), seq = tonumber(seq), text = whole }
end

local function less(a, b)
    return a.ms < b.ms or a.ms == b.ms and a.seq < b.seq
end

local function max(a, b) return less(a, b) and b or a end
local function min(a, b) return a and (not b or less(a, b)) and a or b end

local from = place(ARGV[2])

if redis.call('EXISTS', LOG) == 0 then
    return { from.text, 0, 0, false }
end

-- those given up: whole milliseconds of them, up to `bound` if not all

local points, bound = {}, nil

local function add(list)
    for _, e in ipairs(list) do
        points[#points + 1] = place(e)
    end
end

local ms = string.match(from.text, '^%d+')
add(redis.call('ZRANGEBYSCORE', DEAD, ms, ms))

local later = redis.call('ZRANGEBYSCORE', DEAD, '(' .. ms, '+inf',
                         'LIMIT', 0, ENOUGH)
if #later == ENOUGH then
    local last = string.match(later[#later], '^%d+')
    later = redis.call('ZRANGEBYSCORE', DEAD, '(' .. ms, last)
    bound = place(last .. '-18446744073709551615')
end

add(later)
add(redis.call('ZRANGE', RETRY, 0, -1))

table.sort(points, less)

-- the intervals; the last one, after the cursor, has no end

local spans = {}

local function span(a, b)
    if not b or less(a, b) then
        spans[#spans + 1] = { from = a, to = b }
    end
end

for _, gap in ipairs(redis.call('LRANGE', GAPS, 0, -1)) do
    local a, b = string.match(gap, '^(%S+) (%S+)')
    a, b = place(a), place(b)

    if a and b and less(from, b) then
        span(a, b)
    end
end

local cursor = place(redis.call('HGET', CURSORS, id) or nil)
               or place(redis.call('GET', POS) or nil)

if cursor then
    span(cursor)
end

table.sort(spans, function(a, b) return less(a.from, b.from) end)

local at, looked, more, out = from, 0, 1, {}
local former = redis.call('HGET', CURSORS, id .. ' former')
local i, p = 1, 1
local size, step, cut = 0, 1, false

-- Redis cannot tell how large an entry is: few are read at a time, and those
-- that are too much are not sent
local function first(list)
    local part, n = {}, size
    for i, entry in ipairs(list) do
        if n >= LARGE then
            cut = true
            break
        end
        part[i], n = entry, n + log_size(entry)
    end
    return part
end

while looked < count and size < LARGE do
    while spans[i] and spans[i].to and not less(at, spans[i].to) do
        i = i + 1
    end

    while points[p] and not less(at, points[p]) do
        p = p + 1
    end

    local point, found, sure = points[p], nil, 0
    local start = spans[i] and max(at, spans[i].from)

    if bound and (not start or not less(start, bound))
       and (not point or less(bound, point))
    then
        at = max(at, bound)
        break

    elseif point and not (start and less(start, point)) then
        found = { log_entry(point.text) }
        at, sure = point, 1

    elseif start then
        local to = min(spans[i].to, bound)
        local room = math.min(count - looked, step)

        found = first(log_range('(' .. start.text, to and to.text or '+',
                                room))

        if #found == room or cut then
            at = place(found[#found][1])
        elseif to then
            at = to
        else
            at, more = #found > 0 and place(found[#found][1]) or start, 0
        end

    else
        more = 0
        break
    end

    for _, entry in ipairs(found) do
        out[#out + 1] = sure
        out[#out + 1] = log_sent(entry)
        size = size + log_size(entry)
    end

    step = size < LARGE / STEP and math.min(step * 4, STEP) or 1

    looked = looked + (#found > 0 and #found or 1)

    if more == 0 then
        break
    end
end

return { at.text, looked, more, former, unpack(out) }
