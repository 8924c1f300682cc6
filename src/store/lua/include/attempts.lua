-- An entry of the attempt log without what was answered to events that are
-- erased: a head whose flag is odd has the next of the extras, " detail
-- response:" and both, see engine/attempts.
local function attempts_without(heads, extras, erased)
    local lines, rest, at = {}, {}, 1

    for line in string.gmatch(heads, '[^\n]*\n') do
        local numbers, flags, tail =
            string.match(line, '^( %x+ %x+ %x+ %x+ %x+ %x+ %x+ )(%x+)(.*)$')
        flags = flags and tonumber(flags, 16) or 0

        if flags % 2 == 1 then
            local first, last, a, b = string.find(extras, '^ (%x+) (%x+):', at)
            local stop = first
                and last + tonumber(a, 16) + tonumber(b, 16) or #extras

            if erased(numbers) then
                line = numbers .. '0' .. tail
            else
                rest[#rest + 1] = string.sub(extras, at, stop)
            end
            at = stop + 1
        end
        lines[#lines + 1] = line
    end

    return table.concat(lines), table.concat(rest)
end
