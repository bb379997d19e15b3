"use strict";
// Drawing: elements, colours and the small SVG charts.

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  return fill(node, attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {}))
    if (name === "on")
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (value !== undefined && value !== null && value !== false)
      node.setAttribute(name, value);
  node.append(
      ...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

// A colour of the style sheet: ink follows the scheme by itself, tone is its value now (for
// canvases).
const ink = (name) => `var(--${name})`;
const tone = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// Distinct on white and on black, and for colour-blind readers (after Okabe and Ito 2008).
const PALETTE = [
  "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56a0d3", "#8e6bbf", "#7f8c8d", "#a65628", "#1b9e9e"
];
const paint = (i) => PALETTE[i % PALETTE.length];

function niceTicks(low, high, count, whole) {
  const raw = Math.max((high - low) / count || 1, whole ? 1 : 0),
        power = 10 ** Math.floor(Math.log10(raw));
  const step = (whole ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10])
                   .map((m) => m * power)
                   .find((s) => s >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++)
    ticks.push(k * step);
  return ticks;
}

function logTicks(low, high) {
  const ticks = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++)
    for (const m of [1, 2, 5]) {
      const v = m * 10 ** p;
      if (v >= low * 0.999 && v <= high * 1.001) ticks.push(v);
    }
  return ticks;
}

// The range of `values`, with a margin so that lines do not lie on the frame.
function rangeOf(values, margin = 0.06) {
  let low = Math.min(...values), high = Math.max(...values);
  if (!(high > low)) {
    low -= 0.5;
    high += 0.5;
  }
  const room = (high - low) * margin;
  return [low - room, high + room];
}

// A line chart. series: [{name, points: [[x, y, tip]], color, dash, dots, gaps, width, radius: (i)
// => r}], where gaps: points that are no numbers break the line; options: {x: {label, format,
// range, log, whole}, y: {...}, height}.
function linePlot(series, options) {
  const W = 380, H = options.height || 260, left = 46, right = 14, top = 8, bottom = 42;
  const points =
      series.flatMap((s) => s.points).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const X = options.x, Y = options.y;
  const [x0, x1] = X.range || rangeOf(points.map((p) => p[0]), 0);
  const [y0, y1] = Y.range || rangeOf(points.map((p) => p[1]));
  const scale = (v, lo, hi, log) =>
      log ? Math.log(v / lo) / Math.log(hi / lo) : (v - lo) / (hi - lo);
  const px = (x) => left + scale(x, x0, x1, X.log) * (W - left - right);
  const py = (y) => H - bottom - scale(y, y0, y1, false) * (H - top - bottom);
  const out = svg("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": options.title});
  for (const t of niceTicks(y0, y1, 5))
    out.append(
        svg("line", {x1: left, x2: W - right, y1: py(t), y2: py(t), class: "grid"}),
        svg("text", {x: left - 8, y: py(t) + 4, "text-anchor": "end"}, Y.format(t)));
  for (const t of X.log ? logTicks(x0, x1) : niceTicks(x0, x1, 6, X.whole))
    out.append(
        svg("line", {x1: px(t), x2: px(t), y1: H - bottom, y2: H - bottom + 4, class: "axis"}),
        svg("text", {x: px(t), y: H - bottom + 17, "text-anchor": "middle"}, X.format(t)));
  out.append(
      svg("line", {x1: left, x2: W - right, y1: H - bottom, y2: H - bottom, class: "axis"}),
      svg("text", {x: (left + W - right) / 2, y: H - 5, "text-anchor": "middle"}, X.label));
  for (const s of series) {
    const isKnown = (point) => point && Number.isFinite(point[0]) && Number.isFinite(point[1]);
    const known = s.points.filter(isKnown), drawn = s.gaps ? s.points : known;
    // A point between two gaps is a line of no length, which round ends make a dot.
    const path = drawn
                     .map((point, i) => {
                       if (!isKnown(point)) return "";
                       const at = `${px(point[0]).toFixed(1)} ${py(point[1]).toFixed(1)}`;
                       if (isKnown(drawn[i - 1])) return `L${at}`;
                       return s.gaps && !isKnown(drawn[i + 1]) ? `M${at}L${at}` : `M${at}`;
                     })
                     .join("");
    if (path && !s.only_dots)
      out.append(svg("path", {
        d: path,
        fill: "none",
        stroke: s.color,
        "stroke-width": s.width || 2,
        "stroke-dasharray": s.dash ? "5 4" : null,
        "stroke-linecap": s.gaps ? "round" : null,
        "stroke-linejoin": "round"
      }));
    if (s.dots)
      known.forEach(
          ([x, y, tip], i) => out.append(
              svg("circle", {
                cx: px(x),
                cy: py(y),
                r: s.radius ? s.radius(i) : 3,
                fill: s.color,
                stroke: ink("bg"),
                "stroke-width": 1
              },
                  svg("title", {}, tip || ""))));
  }
  return out;
}

function keys(series) {
  return el(
      "div", {class: "keys"},
      series.filter((s) => s.name)
          .map(
              (s) =>
                  el("span", {},
                     el("i", {class: s.dash ? "dash" : null, style: `color:${s.color}`}), s.name)));
}

function figure(title, series, options, caption) {
  return el(
      "figure", {class: "box"}, el("h3", {}, title), keys(series),
      linePlot(series, {...options, title}), caption && el("figcaption", {}, caption));
}

// rows: [{name, value, text, color, tip}], widths relative to the largest.
function bars(rows) {
  const top = Math.max(...rows.map((r) => r.value), 1e-300);
  return el(
      "div", {class: "bars"},
      rows.map(
          (r) =>
              [el("div", {class: "name", title: r.tip || r.name}, r.name),
               el("div", {class: "track"}, el("div", {
                    class: "fill",
                    style: `width:${(100 * Math.max(r.value, 0) / top).toFixed(2)}%;background:${
                        r.color}`
                  })),
               el("div", {class: "num"}, r.text)]));
}

function stack(parts) {
  return el(
      "div", {class: "stack"},
      parts.map(
          (p) => el(
              "div", {title: p.tip, style: `flex:${Math.max(p.value, 0)};background:${p.color}`})));
}
