-- wrk: raw candles, one window a request. wrk -t1 -c1 -s bench/serve_window.lua URL -- MARKETS BARS
function init(args)
   local markets, bars = tonumber(args[1] or 1), tonumber(args[2] or 128)
   local steps = {}
   for t = 1, bars do
      local row = {}
      for s = 1, markets do
         local open, close = 100 + math.sin(t / 9 + s), 100 + math.sin((t + 1) / 9 + s)
         row[s] = string.format("[%.2f,%.2f,%.2f,%.2f,%d]", open, math.max(open, close) + 0.3,
                                math.min(open, close) - 0.3, close, 10 + t % 7)
      end
      steps[t] = string.format('{"time":%.0f,"bars":[%s]}', 1577836800000 + t * 3600000, table.concat(row, ","))
   end
   body = wrk.format("POST", "/v1/predict", nil, '{"candles":[' .. table.concat(steps, ",") .. "]}")
end
function request() return body end
