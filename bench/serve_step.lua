-- wrk: one bar of a session, in order, `pipeline` requests a write. Use one connection a thread.
-- wrk -t1 -c1 -s bench/serve_step.lua URL -- MARKETS PIPELINE TIMEFRAME_MS
local time, markets, pipeline, every, session
local number = 0
function setup(thread)
   number = number + 1
   thread:set("number", number)
end
local function one()
   local bars = {}
   time = time + every
   for s = 1, markets do
      local open = 100 + math.sin(time / every / 9 + s)
      local close = 100 + math.sin((time / every + 1) / 9 + s)
      bars[s] = string.format("[%.2f,%.2f,%.2f,%.2f,%.1f]", open, math.max(open, close) + 0.3,
                              math.min(open, close) - 0.3, close, 10 + time / every % 7)
   end
   local body = string.format('{"session":"%s","step":{"time":%.0f,"bars":[%s]}}', session, time,
                              table.concat(bars, ","))
   return wrk.format("POST", "/v1/predict", nil, body)
end
function init(args)
   markets, pipeline, every = tonumber(args[1] or 1), tonumber(args[2] or 1), tonumber(args[3] or 3600000)
   session = "wrk" .. (number or 1) .. "." .. os.time()
   time = 1577836800000
end
function request()
   local all = {}
   for i = 1, pipeline do all[i] = one() end
   return table.concat(all)
end
function done(summary, latency, requests)
   print(string.format('{"bench": "serve.predict", "per_s": %.0f, "p50_us": %.0f, "p99_us": %.0f, "errors": %d}',
      summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99),
      summary.errors.status + summary.errors.read + summary.errors.timeout))
end
