"use strict";
// The dashboard: a document to begin with, then every new record and candle over the stream. Both go
// through apply(), so a page that was open all along shows what a fresh one shows.

const $ = (id) => document.getElementById(id);
const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const LC = LightweightCharts;
const ROWS = 200, KEPT = 8000;

const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
const state = {symbol: "", symbols: [], timeframe: 0, candles: [], records: [], seen: new Set(), health: null, tries: 0};

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
const bars = priceChart.addSeries(LC.CandlestickSeries, {
  upColor: tone("good"), downColor: tone("bad"), wickUpColor: tone("good"), wickDownColor: tone("bad"), borderVisible: false,
});
const markers = LC.createSeriesMarkers(bars, []);
const equityChart = LC.createChart($("equity"), options());
const equity = equityChart.addSeries(LC.AreaSeries, {
  lineColor: tone("accent"), topColor: tone("accent") + "55", bottomColor: tone("accent") + "08", lineWidth: 2,
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  priceChart.applyOptions(options());
  equityChart.applyOptions(options());
});

// ---- tables ----

function table(id, empty, columns, rows) {
  const root = $(id);
  root.replaceChildren();
  if (!rows.length) {
    const p = document.createElement("p");
    p.className = "muted";
    p.style.padding = "0 12px";
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

// What the fills add up to, market by market.
function positions() {
  const held = new Map();
  for (const r of state.records) {
    if (r.kind !== "fill" || !r.symbol)
      continue;
    const p = held.get(r.symbol) || {symbol: r.symbol, quantity: 0, cost: 0};
    const q = Math.abs(r.quantity) * (r.side === "sell" ? -1 : 1);
    if (p.quantity * q >= 0) {
      p.cost += q * r.price;
    } else {
      const kept = 1 + q / p.quantity;
      p.cost = kept >= 0 ? p.cost * kept : (p.quantity + q) * r.price;
    }
    p.quantity += q;
    if (Math.abs(p.quantity) < 1e-12)
      p.quantity = p.cost = 0;
    p.time = r.time;
    held.set(r.symbol, p);
  }
  return [...held.values()].filter((p) => p.quantity);
}

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

function drawCards() {
  const newest = (kind) => state.records.findLast((r) => r.kind === kind);
  const e = newest("equity"), s = newest("signal"), alert = newest("alert"), h = state.health;
  $("cards").replaceChildren(
    card("Equity", e ? fixed(e.equity, 2) : "–"),
    card("Cash", e ? fixed(e.cash, 2) : "–"),
    card("Open positions", String(positions().length)),
    card("Newest signal", s ? clock(s.time).slice(5, 16) : "–"),
    card("Service", h && h.ready ? "ready" : "not ready", h && h.ready ? "good" : "bad"),
    card("Model", h && h.models.length ? h.models.map((m) => m.name + " " + m.version.slice(0, 8)).join(", ") : "–"),
    card("Sessions", h ? String(h.sessions) : "–"),
    card("Alert", alert ? alert.text : "none", alert ? "bad" : "good"));
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
        shape: r.side === "buy" ? "arrowUp" : "arrowDown", text: fixed(Math.abs(r.quantity), 6)});
    else if (r.kind === "signal" && r.side !== side)
      list.push({time: bucket(r.time), position: r.side === "buy" ? "belowBar" : "aboveBar", color: tone("accent"), shape: "circle", size: 0.6});
    if (r.kind === "signal")
      side = r.side;
  }
  markers.setMarkers(list.sort((a, b) => a.time - b.time));
}

function drawEquity() {
  const points = new Map();
  for (const r of state.records)
    if (r.kind === "equity" && r.equity !== undefined)
      points.set(seconds(r.time), r.equity);
  const data = [...points].sort((a, b) => a[0] - b[0]).map(([time, value]) => ({time, value}));
  equity.setData(data);
  $("equity-empty").hidden = data.length > 0;
  $("equity").hidden = data.length === 0;
  $("equity-empty").textContent = "The journal has no equity yet.";
}

function drawTables() {
  const last = (kinds) => state.records.filter((r) => kinds.includes(r.kind)).slice(-ROWS).reverse();
  const time = {name: "Time", of: (r) => clock(r.time)}, market = {name: "Market", of: (r) => r.symbol};
  const side = {name: "Side", of: (r) => r.side, tone: sideTone};
  table("positions", "Flat.", [market,
    {name: "Side", of: (p) => p.quantity > 0 ? "long" : "short", tone: (p) => p.quantity > 0 ? "good" : "bad"},
    {name: "Quantity", num: true, of: (p) => fixed(Math.abs(p.quantity), 8)},
    {name: "Entry", num: true, of: (p) => price(p.cost / p.quantity)}, {name: "Since", of: (p) => clock(p.time)}], positions());
  table("fills", "The journal has no order yet.", [time, {name: "What", of: (r) => r.kind}, market, side,
    {name: "Quantity", num: true, of: (r) => r.quantity ? fixed(Math.abs(r.quantity), 8) : ""},
    {name: "Price", num: true, of: (r) => r.price ? price(r.price) : ""},
    {name: "Note", text: true, of: (r) => r.text || r.reason}], last(["order", "fill", "alert", "note", "model"]));
  table("signals", "The journal has no signal yet.", [time, market, side,
    {name: "Score", num: true, of: (r) => fixed(r.score, 4)}, {name: "Threshold", num: true, of: (r) => fixed(r.threshold, 4)},
    {name: "p sell", num: true, of: (r) => fixed(r.p_sell, 3)}, {name: "p hold", num: true, of: (r) => fixed(r.p_hold, 3)},
    {name: "p buy", num: true, of: (r) => fixed(r.p_buy, 3)}], last(["signal"]));
}

function drawCandles() {
  bars.setData(state.candles);
  const none = state.candles.length === 0;
  $("price").hidden = none;
  $("price-empty").hidden = !none;
  $("price-empty").textContent = "The store has no candles of " + state.symbol + ". Set venue in the service's configuration.";
  $("last").textContent = none ? "" : price(state.candles.at(-1).close);
}

// ---- data ----

const toCandle = ([time, open, high, low, close]) => ({time, open, high, low, close});

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
  if (fresh.length) {
    drawEquity();
    drawTables();
  }
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
  drawEquity();
  drawTables();
  drawMarkers();
  apply({records: d.records, candles: {}, health: d.health});
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
  load();
});
// The stream first: what happens while the document is read arrives in it, and is seen once.
load().then(() => {
  connect();
  document.documentElement.dataset.ready = "1";
}, (e) => {
  say(e.message, false);
  document.documentElement.dataset.ready = "0";
});
