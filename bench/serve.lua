-- wrk: forecasts asked of wick serve. wrk -t1 -c1 -s bench/serve.lua URL -- KIND MARKETS BATCH BARS TIMEFRAME_MS
-- KIND step: the next bar of BATCH sessions a request, in order, so use one connection a thread.
-- KIND window: BATCH times the same BARS raw candles, from a cold start each.
local threads = 0
function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end
local function bar(t, s)
   local open, close = 100 + math.sin(t / 9 + s), 100 + math.sin((t + 1) / 9 + s)
   return string.format("[%.2f,%.2f,%.2f,%.2f,%.1f]", open, math.max(open, close) + 0.3,
                        math.min(open, close) - 0.3, close, 10 + t % 7)
end
local function step(t)
   local bars = {}
   for s = 1, markets do bars[s] = bar(t, s) end
   return string.format('{"time":%.0f,"bars":[%s]}', 1577836800000 + t * every, table.concat(bars, ","))
end
local function post(requests)
   local body = requests[1]
   if #requests > 1 then body = '{"requests":[' .. table.concat(requests, ",") .. "]}" end
   return wrk.format("POST", "/v1/predict", nil, body)
end
function init(args)
   kind, markets, batch, n_bars, every = args[1], tonumber(args[2]), tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
   session = "wrk" .. (number or 1) .. "." .. (args[6] or os.time()) .. "."
   at = 0
   if kind == "window" then
      local steps, requests = {}, {}
      for t = 1, n_bars do steps[t] = step(t) end
      for i = 1, batch do requests[i] = '{"candles":[' .. table.concat(steps, ",") .. "]}" end
      fixed = post(requests)
   end
end
function request()
   if fixed then return fixed end
   local requests, text = {}, step(at)
   at = at + 1
   for i = 1, batch do requests[i] = '{"session":"' .. session .. i .. '","step":' .. text .. "}" end
   return post(requests)
end
function done(summary, latency, requests)
   print(string.format("result %.3f %.3f %.3f %d %d", summary.requests / summary.duration * 1e6, latency:percentile(50),
      latency:percentile(99), summary.requests,
      summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.connect))
end
