-- wrk script: walks a list of paths; each thread begins elsewhere and every connection of it goes on where the
-- last request left off. Prints one line of JSON at the end.
--   wrk ... -s walk.lua URL -- FILE ACCEPT [AUTHORIZATION]     FILE holds one path per line
local threads = 0
local requests = {}
local at = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local headers = { Host = wrk.headers["Host"], Accept = args[2], Authorization = args[3] }
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
  at = math.floor(#requests * number / 2)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'walk {"requests":%d,"micros":%d,"bytes":%d,"p99":%d,"status":%d,"broken":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
