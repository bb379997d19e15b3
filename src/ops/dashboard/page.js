"use strict";
// The dashboard: a document to begin with, then every new record and candle over the stream. Both go
// through apply(), so a page that was open all along shows what a fresh one shows.

const $ = (id) => document.getElementById(id);
const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const LC = LightweightCharts;
const ROWS = 200, KEPT = 8000;

const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
const state = {symbol: "", symbols: [], timeframe: 0, candles: [], records: [], seen: new Set(), health: null, tries: 0,
  positions: [], trades: {n: 0, won: 0, net: 0, newest: []}, lines: []};

const fixed = (x, digits) => x === undefined || x === null ? "" :
  Number(x).toLocaleString("en-US", {maximumFractionDigits: digits, minimumFractionDigits: Math.min(digits, 2)});
const price = (x) => x === undefined || x === null ? "" : String(Number(x.toPrecision(10)));
const clock = (time) => time.slice(0, 19).replace("T", " ");
const seconds = (time) => Math.floor(Date.parse(time) / 1000);

// ---- charts ----

function options() {
  return {
    autoSize: true,
    layout: {background: {color: tone("bg")}, textColor: tone("muted"), fontSize: 11.5},
    grid: {vertLines: {color: tone("grid")}, horzLines: {color: tone("grid")}},
    rightPriceScale: {borderColor: tone("line")},
    timeScale: {borderColor: tone("line"), timeVisible: true, secondsVisible: false},
  };
}
const priceChart = LC.createChart($("price"), options());
const candleColours = () => ({
  upColor: tone("good"), downColor: tone("bad"), wickUpColor: tone("good"), wickDownColor: tone("bad"), borderVisible: false,
});
const bars = priceChart.addSeries(LC.CandlestickSeries, candleColours());
const volume = priceChart.addSeries(LC.HistogramSeries, {priceScaleId: "", priceFormat: {type: "volume"}, lastValueVisible: false,
  priceLineVisible: false});
volume.priceScale().applyOptions({scaleMargins: {top: 0.86, bottom: 0}});
bars.priceScale().applyOptions({scaleMargins: {top: 0.08, bottom: 0.18}});
const markers = LC.createSeriesMarkers(bars, []);
const equityChart = LC.createChart($("equity"), options());
equityChart.timeScale().applyOptions({minBarSpacing: 0.01});
const equityColours = () => ({
  lineColor: tone("accent"), topColor: tone("accent") + "55", bottomColor: tone("accent") + "08", lineWidth: 2,
});
const equity = equityChart.addSeries(LC.AreaSeries, equityColours());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  bars.applyOptions(candleColours());
  equity.applyOptions(equityColours());
  drawMarkers();
  drawLines();
  priceChart.applyOptions(options());
  equityChart.applyOptions(options());
});

// ---- tables ----

function table(id, empty, columns, rows) {
  const root = $(id);
  root.replaceChildren();
  if (!rows.length) {
    const p = document.createElement("p");
    p.className = "empty";
    p.textContent = empty;
    root.append(p);
    return;
  }
  const t = document.createElement("table"), head = t.createTHead().insertRow(), body = t.createTBody();
  for (const c of columns) {
    const th = document.createElement("th");
    th.textContent = c.name;
    th.className = c.num ? "num" : "";
    head.append(th);
  }
  for (const r of rows) {
    const tr = body.insertRow();
    for (const c of columns) {
      const td = tr.insertCell();
      td.textContent = c.of(r) ?? "";
      td.className = [c.num ? "num" : c.text ? "text" : "", c.tone ? c.tone(r) : ""].join(" ").trim();
    }
  }
  root.append(t);
}
const sideTone = (r) => r.side === "buy" ? "good" : r.side === "sell" ? "bad" : "";

// ---- drawing ----

function card(name, value, kind) {
  const root = document.createElement("div"), a = document.createElement("div"), b = document.createElement("div");
  root.className = "card";
  a.textContent = name;
  b.textContent = value;
  b.className = kind || "";
  b.title = value;
  root.append(a, b);
  return root;
}

const signed = (x, digits) => (x > 0 ? "+" : "") + fixed(x, digits);
const good = (x) => x > 0 ? "good" : x < 0 ? "bad" : "";
const open = (p) => p.last && p.entry ? (p.last - p.entry) * p.quantity * (p.side === "long" ? 1 : -1) : null;

// The newest equity, and the last one of the day before.
function today() {
  const all = state.records.filter((r) => r.kind === "equity" && r.equity !== undefined), last = all.at(-1);
  if (!last)
    return null;
  const day = new Date(Date.parse(last.time) - 1).toISOString().slice(0, 10);
  const before = all.findLast((r) => r.time <= day + "T00:00:00.001Z") || all[0];
  return {equity: last.equity, cash: last.cash, change: last.equity - before.equity};
}

function drawCards() {
  const newest = (kind) => state.records.findLast((r) => r.kind === kind);
  const e = today(), s = newest("signal"), alert = newest("alert"), h = state.health, t = state.trades;
  const held = state.positions.map(open).filter((x) => x !== null).reduce((a, b) => a + b, 0);
  $("cards").replaceChildren(
    card("Equity", e ? fixed(e.equity, 2) : "–"),
    card("Today", e ? signed(e.change, 2) : "–", e ? good(e.change) : ""),
    card("Net of closed trades", t.n ? signed(t.net, 2) : "–", good(t.net)),
    card("Won", t.n ? Math.round(100 * t.won / t.n) + " % of " + t.n : "–"),
    card("Open positions", state.positions.length ? state.positions.length + (held ? "  (" + signed(held, 2) + ")" : "") : "0"),
    card("Newest signal", s ? s.symbol + " " + s.side + clock(s.time).slice(10, 16) : "–"),
    card("Alert", alert ? alert.text : "none", alert ? "bad" : "good"),
    card("Service", !h ? "–" : h.ready ? "ready" : "warming up", h && h.ready ? "good" : "bad"),
    card("Model", h && h.models.length ? h.models.map((m) => m.name + " " + m.version.slice(0, 8)).join(", ") : "–"),
    card("Sessions", h ? String(h.sessions) : "–"));
}

function bucket(time) {
  const at = seconds(time), step = state.timeframe || 1;
  return Math.floor((at - 1) / step) * step;  // a signal at a bar's close belongs to that bar
}

function drawMarkers() {
  const first = state.candles.length ? state.candles[0].time : Infinity, list = [];
  let side = "";
  for (const r of state.records) {
    if (r.symbol !== state.symbol || !r.side || bucket(r.time) < first)
      continue;
    if (r.kind === "fill")
      list.push({time: bucket(r.time), position: r.side === "buy" ? "belowBar" : "aboveBar", color: tone(r.side === "buy" ? "good" : "bad"),
        shape: r.side === "buy" ? "arrowUp" : "arrowDown"});
    else if (r.kind === "signal" && r.side !== side)
      list.push({time: bucket(r.time), position: r.side === "buy" ? "belowBar" : "aboveBar", color: tone("accent"), shape: "circle", size: 0.6});
    if (r.kind === "signal")
      side = r.side;
  }
  markers.setMarkers(list.sort((a, b) => a.time - b.time));
}

// Entry, stop and target of what is held, as lines in the candles.
function drawLines() {
  state.lines.forEach((l) => bars.removePriceLine(l));
  const p = state.positions.find((x) => x.symbol === state.symbol);
  const line = (at, title, color, style) => at ? [bars.createPriceLine({price: at, title, color, lineWidth: 1, lineStyle: style})] : [];
  state.lines = p && state.candles.length ? [...line(p.entry, p.side, tone("accent"), LC.LineStyle.Solid),
    ...line(p.stop, "stop", tone("bad"), LC.LineStyle.Dashed), ...line(p.profit, "target", tone("good"), LC.LineStyle.Dashed)] : [];
}

function drawEquity() {
  const points = new Map();
  for (const r of state.records)
    if (r.kind === "equity" && r.equity !== undefined)
      points.set(seconds(r.time), r.equity);
  const data = [...points].sort((a, b) => a[0] - b[0]).map(([time, value]) => ({time, value}));
  const whole = equityChart.timeScale().getVisibleLogicalRange();
  equity.setData(data);
  // Until a reader moves it, the chart shows all there is.
  if (!whole || whole.from <= 1)
    equityChart.timeScale().fitContent();
  let top = -Infinity, down = 0;
  for (const d of data) {
    top = Math.max(top, d.value);
    down = Math.max(down, 1 - d.value / top);
  }
  $("drawdown").textContent = data.length ? "deepest drawdown shown: " + (100 * down).toFixed(2) + " %" : "";
  $("equity-empty").hidden = data.length > 0;
  $("equity").hidden = data.length === 0;
  $("equity-empty").textContent = "The journal has no equity yet.";
}

function drawTables() {
  const last = (kinds) => state.records.filter((r) => kinds.includes(r.kind)).slice(-ROWS).reverse();
  const time = {name: "Time", of: (r) => clock(r.time).slice(0, 16)}, market = {name: "Market", of: (r) => r.symbol};
  const side = {name: "Side", of: (r) => r.side, tone: sideTone};
  const long = (p) => p.side === "long" ? "good" : "bad";
  table("positions", "Flat: nothing is held.", [market, {name: "Side", of: (p) => p.side, tone: long},
    {name: "Quantity", num: true, of: (p) => fixed(p.quantity, 6)}, {name: "Entry", num: true, of: (p) => price(p.entry)},
    {name: "Last", num: true, of: (p) => price(p.last)},
    ...[["Stop", "stop"], ["Target", "profit"]].filter(([, key]) => state.positions.some((p) => p[key]))
      .map(([name, key]) => ({name, num: true, of: (p) => price(p[key])})),
    {name: "Open result", num: true, of: (p) => open(p) === null ? "" : signed(open(p), 2), tone: (p) => good(open(p))},
    {name: "Since", of: (p) => clock(p.since).slice(5, 16)}], state.positions);
  $("traded").textContent = state.trades.n > state.trades.newest.length ? "the newest " + state.trades.newest.length + " of " + state.trades.n : "";
  table("trades", "No trade has been closed yet.", [{name: "Closed", of: (t) => clock(t.until).slice(0, 16)}, market,
    {name: "Side", of: (t) => t.side, tone: long}, {name: "Entry", num: true, of: (t) => price(t.entry)},
    {name: "Exit", num: true, of: (t) => price(t.exit)},
    {name: "Net", num: true, of: (t) => signed(t.net, 2), tone: (t) => good(t.net)},
    {name: "Net, bp", num: true, of: (t) => signed(1e4 * t.net / (t.entry * t.quantity), 1), tone: (t) => good(t.net)},
    {name: "Why", of: (t) => t.reason.replaceAll("_", " ")}], state.trades.newest);
  table("fills", "The journal has no order yet.", [time, {name: "What", of: (r) => r.kind}, market, side,
    {name: "Quantity", num: true, of: (r) => r.quantity ? fixed(Math.abs(r.quantity), 8) : ""},
    {name: "Price", num: true, of: (r) => r.price ? price(r.price) : ""},
    {name: "Note", text: true, of: (r) => (r.text || r.reason || "").replace(/^(score)_/, "$1 ")}], last(["order", "fill", "alert", "note", "model"]));
  table("signals", "The journal has no signal yet.", [time, market, side,
    {name: "Score", num: true, of: (r) => fixed(r.score, 4)}, {name: "Threshold", num: true, of: (r) => fixed(r.threshold, 4)},
    {name: "p sell", num: true, of: (r) => fixed(r.p_sell, 3)}, {name: "p hold", num: true, of: (r) => fixed(r.p_hold, 3)},
    {name: "p buy", num: true, of: (r) => fixed(r.p_buy, 3)}], last(["signal"]));
}

function drawCandles() {
  bars.setData(state.candles);
  volume.setData(state.candles.map((c) => ({time: c.time, value: c.volume || 0, color: tone(c.close >= c.open ? "good" : "bad") + "44"})));
  const digits = state.candles.length ? Math.max(0, Math.min(8, 4 - Math.floor(Math.log10(state.candles.at(-1).close || 1)))) : 2;
  bars.applyOptions({priceFormat: {type: "price", precision: digits, minMove: 10 ** -digits}});
  const none = state.candles.length === 0;
  $("price").hidden = none;
  $("price-empty").hidden = !none;
  $("price-empty").textContent = "The store has no candles of " + state.symbol + ". Set venue in the service's configuration.";
  $("last").textContent = none ? "" : price(state.candles.at(-1).close);
}

// ---- data ----

const toCandle = ([time, open, high, low, close, volume]) => ({time, open, high, low, close, volume});

function apply(update) {
  const fresh = update.records.filter((r) => !state.seen.has(r.seq));
  for (const r of fresh) {
    state.seen.add(r.seq);
    state.records.push(r);
  }
  if (state.records.length > 2 * KEPT) {
    state.records.splice(0, state.records.length - KEPT);
    state.seen = new Set(state.records.map((r) => r.seq));
  }
  state.health = update.health;
  state.positions = update.positions;
  state.trades = update.trades;
  for (const c of (update.candles[state.symbol] || []).map(toCandle)) {
    const last = state.candles.at(-1);
    if (last && last.time > c.time)
      continue;
    if (last && last.time === c.time)
      state.candles.pop();
    state.candles.push(c);
  }
  if (update.candles[state.symbol])
    drawCandles();
  if (fresh.length)
    drawEquity();
  if (fresh.length || update.candles[state.symbol])
    drawTables();
  drawLines();
  if (fresh.length || update.candles[state.symbol])
    drawMarkers();
  drawCards();
}

async function load() {
  const answer = await fetch("/v1/dashboard?symbol=" + encodeURIComponent(state.symbol),
    {headers: token ? {Authorization: "Bearer " + token} : {}});
  if (answer.status === 401)
    throw new Error("this service needs a token: open the page as /#token=TOKEN");
  const d = await answer.json();
  state.symbol = d.symbol;
  state.symbols = d.symbols;
  state.timeframe = d.timeframe_s;
  state.candles = d.candles.map(toCandle);
  state.records = [];
  state.seen = new Set();
  $("symbol").replaceChildren(...d.symbols.map((s) => new Option(s, s, false, s === d.symbol)));
  document.title = d.symbol + " · wick";
  drawCandles();
  state.positions = d.positions;
  state.trades = d.trades;
  drawEquity();
  drawTables();
  drawMarkers();
  apply({records: d.records, candles: {}, health: d.health, positions: d.positions, trades: d.trades});
  drawMarkers();
}

function say(text, live) {
  $("link").textContent = text;
  $("link").className = live ? "pill live" : "pill";
}

function connect() {
  const socket = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + "/v1/stream" +
    (token ? "?token=" + encodeURIComponent(token) : ""));
  socket.onopen = () => {
    state.tries = 0;
    say("live", true);
  };
  socket.onmessage = (m) => {
    const update = JSON.parse(m.data);
    if (update.reload)
      load();
    else
      apply(update);
    document.documentElement.dataset.updates = Number(document.documentElement.dataset.updates || 0) + 1;
  };
  socket.onclose = () => {
    say("reconnecting", false);
    setTimeout(() => load().then(connect, () => connect()), Math.min(15000, 500 * 2 ** state.tries++));
  };
}

$("symbol").addEventListener("change", (e) => {
  state.symbol = e.target.value;
  load().then(drawLines);
});
// The stream first: what happens while the document is read arrives in it, and is seen once.
load().then(() => {
  connect();
  document.documentElement.dataset.ready = "1";
}, (e) => {
  say(e.message, false);
  document.documentElement.dataset.ready = "0";
});
