-- for wrk: the body of the file that is named behind "--", as JSON

function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = file:read("*a")
    file:close()
end

function done(summary)
    local errors = summary.errors
    if errors.connect + errors.read + errors.write + errors.status
       + errors.timeout > 0
    then
        io.stderr:write("post.lua: there were errors\n")
        os.exit(1)
    end
    print(string.format("rate %.0f",
                        summary.requests * 1e6 / summary.duration))
end
