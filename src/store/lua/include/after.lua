-- whether an id of the log is behind another
local function after(x, y)
    local xm, xs = string.match(x, '^(%d+)-(%d+)$')
    local ym, ys = string.match(y, '^(%d+)-(%d+)$')
    if xm == ym then
        return tonumber(xs) > tonumber(ys)
    end
    return tonumber(xm) > tonumber(ym)
end
