-- For wrk: sends the prepared requests of the file $BENCH_REQUESTS in turn. Each is a few header lines, an
-- empty line and a body of one line. Ends with a line of numbers that tests/bench/run reads.

local requests = {}

function init()
  local headers = {}
  for line in io.lines(os.getenv("BENCH_REQUESTS")) do
    local name, value = line:match("^([%w-]+): (.*)$")
    if name then
      headers[name] = value
    elseif line ~= "" then
      requests[#requests + 1] = wrk.format("POST", "/", headers, line)
      headers = {}
    end
  end
end

local turn = 0

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local errors = summary.errors
  print(string.format("RESULT %d %d %d %d", summary.requests, summary.duration, summary.bytes,
                      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
