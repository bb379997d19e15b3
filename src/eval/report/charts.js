"use strict";
// The two time charts, on TradingView's lightweight-charts.

const LC = LightweightCharts;
const themed = [];  // charts that follow the colour scheme

function theme() {
  return {
    layout: {
      background: {color: tone("bg")},
      textColor: tone("muted"),
      attributionLogo: false,
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11.5,
      panes: {separatorColor: tone("line"), separatorHoverColor: tone("line")}
    },
    grid: {vertLines: {color: tone("grid")}, horzLines: {color: tone("grid")}},
    rightPriceScale: {borderColor: tone("line")},
    timeScale: {borderColor: tone("line")},
  };
}

function timeChart(box, height, intraday) {
  box.style.height = height + "px";
  const chart = LC.createChart(box, {
    ...theme(),
    autoSize: true,
    crosshair: {mode: LC.CrosshairMode.Normal},
    handleScroll:
        {mouseWheel: false},  // the wheel belongs to the page; with ctrl or a pinch it zooms
    handleScale: {mouseWheel: false},
    localization: {locale: "en-US", timeFormatter: intraday ? minute : date}
  });
  chart.applyOptions({
    timeScale: {timeVisible: intraday, secondsVisible: false, rightOffset: 2, minBarSpacing: 0.01}
  });
  box.addEventListener("wheel", (e) => {
    if (e.ctrlKey) e.preventDefault();
    chart.applyOptions({handleScale: {mouseWheel: e.ctrlKey}});
  }, {passive: false, capture: true});
  themed.push(() => chart.applyOptions(theme()));
  return chart;
}

// Time must rise strictly: of equal times the last point counts.
function risingTimes(points) {
  const sorted = points.filter((p) => Number.isFinite(p.time)).sort((a, b) => a.time - b.time);
  return sorted.filter((p, i) => i + 1 === sorted.length || sorted[i + 1].time !== p.time);
}

const lineData = (points) => risingTimes(points).map(
    (p) => Number.isFinite(p.value) ? {time: p.time, value: p.value} : {time: p.time});

function money(v) {
  return number(v, Math.abs(v) >= 1000 ? 0 : Math.abs(v) >= 10 ? 2 : 4);
}

function equityChart(doc) {
  const canvas = el("div", {class: "canvas"}), legend = el("div", {class: "legend"});
  const node = el("div", {class: "chart"}, legend, canvas);
  const log = el("input", {type: "checkbox"});
  const tools = el("div", {class: "tools"}, el("label", {}, log, "log scale"));
  const baselines = Object.entries(doc.baselines_equity || {});
  const start = () => {
    const chart = timeChart(canvas, doc.drawdown ? 460 : 340, false);
    const format = {type: "custom", minMove: 0.0001, formatter: money};
    const add = (name, points, color, width, swatch) => {
      const series = chart.addSeries(LC.LineSeries, {
        color,
        lineWidth: width,
        priceFormat: format,
        priceLineVisible: false,
        lastValueVisible: width > 1
      });
      series.setData(lineData(points));
      const value = el("b", {}), last = points.length ? points[points.length - 1].value : NaN;
      const show = (v) => {
        value.textContent = Number.isFinite(v) ? money(v) : NO_VALUE;
      };
      const button =
          el("button", {
            "aria-pressed": "true",
            title: "Show or hide",
            on: {
              click: () => {
                const shown = button.getAttribute("aria-pressed") === "true";
                button.setAttribute("aria-pressed", String(!shown));
                series.applyOptions({visible: !shown});
              }
            }
          },
             el("i", {style: `color:${swatch}`}), name, value);
      show(last);
      legend.append(button);
      return {series, show, last};
    };
    // The strategy comes first in the legend and last on the canvas: above the others.
    const lines = baselines.map(([name, points], i) => add(name, points, paint(i), 1, paint(i)));
    lines.push(add(doc.strategy_name || "strategy", doc.equity, tone("accent"), 2, ink("accent")));
    legend.prepend(legend.lastChild);
    themed.push(() => lines[lines.length - 1].series.applyOptions({color: tone("accent")}));
    if (doc.drawdown) {
      const colors = () =>
          ({lineColor: tone("bad"), topColor: tone("bad") + "00", bottomColor: tone("bad") + "40"});
      const depth = doc.drawdown.map((p) => ({time: p.time, value: -Math.abs(p.value) * 100}));
      const area = chart.addSeries(
          LC.BaselineSeries, {
            lineWidth: 1,
            priceLineVisible: false,
            baseValue: {type: "price", price: 0},
            priceFormat: {type: "custom", minMove: 0.01, formatter: (v) => number(v, 1) + "%"}
          },
          1);
      const paintArea = () => {
        const c = colors();
        area.applyOptions({
          bottomLineColor: c.lineColor,
          bottomFillColor1: c.topColor,
          bottomFillColor2: c.bottomColor,
          topLineColor: c.lineColor
        });
      };
      paintArea();
      themed.push(paintArea);
      area.setData(lineData(depth));
      chart.panes()[0].setStretchFactor(3);
      chart.panes()[1].setStretchFactor(1);
    }
    chart.subscribeCrosshairMove(
        (m) => lines.forEach(
            (l) => l.show(m.time === undefined ? l.last : m.seriesData.get(l.series)?.value)));
    log.addEventListener("change", () => chart.priceScale("right", 0).applyOptions({
      mode: log.checked ? LC.PriceScaleMode.Logarithmic : LC.PriceScaleMode.Normal
    }));
    chart.timeScale().fitContent();
  };
  return {node, tools, start};
}

// A bar is {time, open, high, low, close} or [time, open, high, low, close].
const bar = (b) =>
    Array.isArray(b) ? {time: b[0], open: b[1], high: b[2], low: b[3], close: b[4]} : b;

function marker(t) {
  const entry = t.kind === "entry", long = t.side > 0;
  if (entry)
    return {
      time: t.time,
      position: long ? "belowBar" : "aboveBar",
      shape: long ? "arrowUp" : "arrowDown",
      color: long ? tone("good") : tone("bad"),
      size: 1
    };
  return {
    time: t.time,
    position: long ? "aboveBar" : "belowBar",
    shape: "circle",
    size: 0.6,
    color: t.net_bp === undefined ? tone("muted") :
        t.net_bp > 0              ? tone("good") :
                                    tone("bad")
  };
}

function tradeText(t) {
  const side = t.side > 0 ? "long" : "short";
  if (t.kind === "entry") return `${side} entry at ${t.price}`;
  const net = t.net_bp === undefined ? "" : `, net ${number(t.net_bp, 1)} bp`;
  return `${side} exit at ${t.price}${t.reason ? " (" + t.reason + ")" : ""}${net}`;
}

function candleChart(candles) {
  const names = Object.keys(candles), canvas = el("div", {class: "canvas"});
  const legend = el("div", {class: "legend"}), node = el("div", {class: "chart"}, legend, canvas);
  const select = el("select", {"aria-label": "Market"}, names.map((n) => el("option", {}, n)));
  const tools = el("div", {class: "tools"}, names.length > 1 ? select : names[0]);
  const start = () => {
    const chart = timeChart(canvas, 420, true);
    const colors = () => ({
      upColor: tone("good"),
      downColor: tone("bad"),
      wickUpColor: tone("good"),
      wickDownColor: tone("bad"),
      borderVisible: false,
      priceLineVisible: false
    });
    const series = chart.addSeries(LC.CandlestickSeries, colors());
    const markers = LC.createSeriesMarkers(series, []);
    let trades = new Map(), decimals = 2, idle = "";
    const show = () => {
      const {bars: rows, trades: list = []} = candles[select.value || names[0]],
                                        data = risingTimes(rows.map(bar));
      decimals = Math.min(
          10,
          Math.max(
              0, ...data.slice(-200).map((b) => (String(b.close).split(".")[1] || "").length)));
      series.applyOptions({
        ...colors(),
        priceFormat: {type: "price", precision: decimals, minMove: 10 ** -decimals}
      });
      series.setData(data);
      const sorted = [...list].sort((a, b) => a.time - b.time);
      markers.setMarkers(sorted.map(marker));
      trades = new Map();
      for (const t of sorted) trades.set(t.time, [...(trades.get(t.time) || []), t]);
      idle = `${data.length.toLocaleString("en-US")} bars, ${
          list.filter((t) => t.kind === "entry")
              .length.toLocaleString(
                  "en-US")} entries. Arrows: entries; dots: exits, green with a profit after costs.`;
      legend.replaceChildren(el("span", {class: "muted"}, idle));
      const last = data.length;
      chart.timeScale().setVisibleLogicalRange({from: Math.max(0, last - 240), to: last + 4});
    };
    chart.subscribeCrosshairMove((m) => {
      const b = m.time === undefined ? undefined : m.seriesData.get(series);
      if (!b) {
        legend.replaceChildren(el("span", {class: "muted"}, idle));
        return;
      }
      const field = (name, v) =>
          el("span", {}, el("span", {class: "muted"}, name + " "), number(v, decimals));
      legend.replaceChildren(
          el("b", {}, minute(m.time)), field("O", b.open), field("H", b.high), field("L", b.low),
          field("C", b.close), ...(trades.get(m.time) || []).map((t) => el("b", {}, tradeText(t))));
    });
    select.addEventListener("change", show);
    themed.push(show);
    show();
  };
  return {node, tools, start};
}

matchMedia("(prefers-color-scheme: dark)")
    .addEventListener("change", () => themed.forEach((apply) => apply()));
