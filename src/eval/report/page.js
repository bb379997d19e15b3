"use strict";
// The page: one function a section, each hidden when the document lacks its key.

const doc = JSON.parse(document.getElementById("document").textContent);
const page = document.getElementById("page");
const later = [];  // charts need their box in the page before they draw

const present = (v) =>
    v && (Array.isArray(v) ? v.length > 0 : typeof v !== "object" || Object.keys(v).length > 0);

function section(id, title, lead, tools, ...content) {
  page.append(
      el("section", {id, "data-nav": id.replace(/^./, (c) => c.toUpperCase())},
         el("div", {class: "head"}, el("h2", {}, title), lead && el("p", {}, lead), tools),
         ...content));
}

// ---- tables ----

// A first column names its row: it stands on the left even when it is a number.
function cell(value, col, first) {
  if (col.text)
    return el("td", {}, value === null || value === undefined ? NO_VALUE : String(value));
  const shown = col.percent && typeof value === "number" ? value * 100 : value;
  return el(
      "td", {class: (first ? "" : "num") + (col.signed && value < 0 ? " neg" : "")},
      typeof value === "boolean" ? (value ? "yes" : "no") : number(shown, col.decimals));
}

function describe(rows) {
  const names = [...new Set(rows.flatMap((r) => Object.keys(r)))];
  return names.map((key) => {
    const col = column(key, doc.columns),
          values = rows.map((r) => r[key]).filter((v) => v !== null && v !== undefined);
    col.text = values.some((v) => typeof v === "string" && v !== "inf" && v !== "-inf");
    col.decimals ??= decimalsFor(values.map((v) => col.percent ? v * 100 : v));
    if (col.percent && col.decimals > 2) col.decimals = 2;
    return col;
  });
}

function compare(a, b) {
  const missing = (v) => v === null || v === undefined;
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const plain = (v) => v === "inf" ? Infinity : v === "-inf" ? -Infinity : v;
  a = plain(a);
  b = plain(b);
  return typeof a === "number" && typeof b === "number" ? a - b :
                                                          String(a).localeCompare(String(b), "en");
}

function table(rows, isOwn) {
  const cols = describe(rows), body = el("tbody");
  const draw = (list) => body.replaceChildren(...list.map(
      (r) =>
          el("tr", {class: isOwn && isOwn(r) ? "own" : null},
             cols.map((c, i) => cell(r[c.key], c, i === 0)))));
  const heads = cols.map(
      (c, i) =>
          el("th", {
            class: c.text || i === 0 ? "sort" : "sort num",
            title: c.help,
            tabindex: 0,
            on: {
              click: () => sort(c),
              keydown: (e) => {
                if (e.key === "Enter") sort(c);
              }
            }
          },
             c.label, c.unit && el("small", {}, c.unit)));
  function sort(col) {
    const head = heads[cols.indexOf(col)],
          descending = head.getAttribute("aria-sort") !== (col.text ? "ascending" : "descending");
    const down = col.text ? !descending : descending;
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    draw([...rows].sort(
        (a, b) => down ? compare(b[col.key], a[col.key]) : compare(a[col.key], b[col.key])));
  }
  draw(rows);
  return el("div", {class: "scroll"}, el("table", {}, el("thead", {}, el("tr", {}, heads)), body));
}

// ---- the top ----

function drawHeader() {
  document.title = doc.title + " \u00b7 wick";
  page.append(
      el("header", {}, el("h1", {}, doc.title), el("span", {class: "mark"}, "wick"),
         doc.subtitle && el("p", {class: "lead"}, doc.subtitle)));
  if (doc.synthetic)
    page.append(el(
        "div", {class: "synthetic", role: "note"}, el("strong", {}, "SYNTHETIC"),
        el("span", {},
           "These candles come from a market simulator. Nothing here says anything about a real market.")));
  page.append(el("nav", {"aria-label": "Sections"}));
}

// What a line's value is held against, with as many decimals as the value has.
function boundText(line) {
  if (typeof line.bound !== "number") return line.bound || "";
  const decimals = decimalsFor([line.value, line.bound]),
        sign = line.strict === false ? "\u2265 " : "> ";
  return sign + number(line.bound, line.bound === 0 ? 0 : decimals) +
      (line.unit === "%" ? "%" : "");
}

function drawVerdict() {
  if (!doc.verdict) return;
  const {useful, lines = []} = doc.verdict, failed = lines.filter((l) => !l.pass).length;
  const count = `${lines.length - failed} of ${lines.length} lines hold`;
  page.append(el(
      "div", {class: "verdict " + (useful ? "useful" : "useless"), id: "verdict"},
      el("div", {}, el("strong", {}, useful ? "USEFUL" : "NOT USEFUL"), el("span", {}, count)),
      el("table", {},
         el("tbody", {},
            lines.map(
                (l) => el(
                    "tr", {class: l.pass ? null : "failed"},
                    el("td",
                       {class: l.pass ? "pass" : "fail", "aria-label": l.pass ? "holds" : "fails"},
                       l.pass ? "\u2713" : "\u2717"),
                    el("td", {}, l.name), el("td", {class: "num"}, single(l.value ?? NaN, l.unit)),
                    el("td", {class: "num muted"}, boundText(l)),
                    el("td", {class: "muted"}, l.detail || "")))))));
}

function cardText(s, key) {
  if (s.unit === "fraction") return typeof s.value === "number" ? percent(s.value) : NO_VALUE;
  return FINE.test(key) && typeof s.value === "number" ? number(s.value, 4) :
                                                         single(s.value ?? NaN, s.unit);
}

function drawSummary() {
  if (!present(doc.summary)) return;
  const cards = el("div", {class: "cards"}, doc.summary.map((s) => {
    const key = String(s.name).toLowerCase().replace(/ /g, "_"), help = s.help || HELP[key];
    return el(
        "div", {class: "card"},
        el("div", {"data-help": help, tabindex: help ? 0 : null}, el("span", {}, s.name)),
        el("div", {class: typeof s.value === "number" && s.value < 0 ? "neg" : null},
           cardText(s, key)));
  }));
  page.append(cards);
  later.push(() => {  // the last row is filled up, so that no gap shows the lines' colour
    const across = getComputedStyle(cards).gridTemplateColumns.split(" ").length;
    for (let i = doc.summary.length; i % across; i++)
      cards.append(el("div", {class: "card filler"}));
  });
}

// ---- money ----

function drawEquity() {
  if (!present(doc.equity)) return;
  const chart = equityChart(doc);
  later.push(chart.start);
  section(
      "equity", "Equity", "Mark-to-market, net of all costs, walk-forward. Below it the drawdown.",
      chart.tools, chart.node);
  drawMonths();
  drawStatistics();
}

function drawStatistics() {
  if (!present(doc.statistics)) return;
  const rows = doc.statistics.map(
      (s) => ({statistic: s.name, value: cardText(s, s.name), meaning: s.help}));
  section("statistics", "Statistics", "Of daily net returns.", null, table(rows));
}

// Returns by month follow from the equity at each month's last point.
function drawMonths() {
  const last = new Map();
  for (const p of risingTimes(doc.equity)) last.set(date(p.time).slice(0, 7), p.value);
  if (last.size < 3) return;
  const years = new Map();
  let before = risingTimes(doc.equity)[0].value;
  for (const [month, value] of last) {
    const year = month.slice(0, 4);
    if (!years.has(year)) years.set(year, {start: before, months: Array(12).fill(null)});
    const y = years.get(year);
    y.months[Number(month.slice(5)) - 1] = value / before - 1;
    y.end = before = value;
  }
  const all = [...years.values()].flatMap((y) => y.months).filter((v) => v !== null);
  const top = Math.max(...all.map(Math.abs), 1e-9);
  const shade = (v) => v === null ?
      "" :
      `background:color-mix(in srgb, var(${v < 0 ? "--bad" : "--good"}) ${
          Math.round(45 * Math.abs(v) / top)}%, transparent)`;
  const names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const positive = all.filter((v) => v > 0).length;
  section(
      "months", "Months", `Net return in per cent; ${positive} of ${all.length} months above 0.`,
      null,
      el("div", {class: "scroll"},
         el("table", {class: "heat"},
            el("thead", {},
               el("tr", {}, el("th", {}, "Year"), names.map((n) => el("th", {}, n)),
                  el("th", {}, "Year"))),
            el("tbody", {},
               [...years].map(
                   ([year, y]) =>
                       el("tr", {}, el("td", {}, year),
                          y.months.map(
                              (v) => el(
                                  "td", {style: shade(v)}, v === null ? "" : number(v * 100, 1))),
                          el("td", {}, el("b", {}, number((y.end / y.start - 1) * 100, 1)))))))));
}

function drawTables() {
  if (present(doc.strategies))
    section(
        "baselines", "Against baselines and ablations", "Same bars, same costs, same trader.", null,
        table(doc.strategies, (r) => r.kind === "strategy"));
  if (present(doc.folds))
    section(
        "folds", "Walk-forward folds", "Each is trained on its past only.", null, table(doc.folds));
  if (present(doc.symbols)) section("markets", "Markets", null, null, table(doc.symbols));
}

function drawCandles() {
  if (!present(doc.candles)) return;
  const chart = candleChart(doc.candles);
  later.push(chart.start);
  section("trades", "Trades", "Drag to move, ctrl + wheel to zoom.", chart.tools, chart.node);
}

// A table of parts, with a bar that shows their shares.
function breakdown(title, rows, name, value, color) {
  const total = rows.reduce((sum, r) => sum + Math.max(r[value] || 0, 0), 0) || 1;
  const parts = rows.map((r, i) => ({
                           name: r[name],
                           value: r[value] || 0,
                           color: color(r, i),
                           tip: `${r[name]}: ${percent((r[value] || 0) / total)}`
                         }));
  return el("figure", {}, el("h3", {}, title), stack(parts), keys(parts), table(rows));
}

function exitColor(r, i) {
  const reason = String(r.reason).toLowerCase();
  return /^(tp|take)/.test(reason) ? ink("good") :
      /^(sl|stop)/.test(reason)    ? ink("bad") :
                                     paint(i + 3);
}

function drawExits() {
  const parts = [];
  if (present(doc.exits)) {
    const value = doc.exits.every((r) => Number.isFinite(r.n)) ? "n" : "share";
    parts.push(breakdown("Exits by reason", doc.exits, "reason", value, exitColor));
  }
  if (present(doc.costs)) {
    const value = doc.costs.every((r) => Number.isFinite(r.money)) ? "money" : "bp";
    parts.push(breakdown("Costs by kind", doc.costs, "kind", value, (r, i) => paint(i)));
  }
  if (parts.length)
    section("exits", "Exits and costs", null, null, el("div", {class: "two"}, parts));
}

// ---- forecasts ----

function confusion() {
  const {labels, counts} = doc.confusion, rows = counts.map((r) => r.reduce((a, b) => a + b, 0));
  const total = rows.reduce((a, b) => a + b, 0) || 1;
  const right = counts.reduce((sum, r, i) => sum + r[i], 0);
  return el(
      "figure", {class: "box"}, el("h3", {}, "Confusion"),
      el("table", {class: "heat confusion"},
         el("thead", {}, el("tr", {}, el("th", {}, ""), labels.map((l) => el("th", {}, l)))),
         el("tbody", {},
            counts.map((r, i) => el("tr", {}, el("th", {}, labels[i]), r.map((n) => {
                         const share = rows[i] ? n / rows[i] : 0;
                         return el(
                             "td",
                             {style: `background:rgba(var(--heat), ${(share * 0.6).toFixed(3)})`},
                             n.toLocaleString("en-US"), el("small", {}, percent(share)));
                       }))))),
      el("figcaption", {},
         `Rows: what happened; columns: forecast; shares of the row. Accuracy ${
             percent(right / total)} of ${total.toLocaleString("en-US")} bars.`));
}

function precisionCoverage() {
  const rows =
      doc.precision_coverage.filter((r) => r.coverage > 0).sort((a, b) => a.coverage - b.coverage);
  const series = [
    {
      name: "precision",
      color: ink("accent"),
      dots: true,
      points: rows.map(
          (r) =>
              [r.coverage, r.precision,
               `coverage ${percent(r.coverage, 2)}, precision ${percent(r.precision)}` +
                   (r.n ? `, n ${r.n}` : "")])
    },
    {
      name: "break-even after costs",
      color: ink("bad"),
      dash: true,
      points: rows.map((r) => [r.coverage, r.break_even])
    }
  ];
  const low = rows[0].coverage, log = low < 0.1;
  return figure(
      "Precision against coverage", series, {
        x: {
          label: "share of bars traded" + (log ? " (log scale)" : ""),
          log,
          format: (v) => number(v * 100, v < 0.01 ? 1 : 0) + "%",
          range: [low, Math.max(...rows.map((r) => r.coverage))]
        },
        y: {format: (v) => number(v * 100, 0) + "%"}
      },
      "A signal pays where precision lies above break-even; it should rise to the left.");
}

function calibration() {
  const rows = doc.calibration, top = Math.max(...rows.map((r) => r.n || 1));
  const range = rangeOf(rows.flatMap((r) => [r.p, r.observed]));
  const low = Math.max(0, range[0]), high = Math.min(1, range[1]);
  return figure(
      "Calibration",
      [
        {
          name: "perfect",
          color: ink("muted"),
          dash: true,
          width: 1,
          points: [[low, low], [high, high]]
        },
        {
          name: "observed",
          color: ink("accent"),
          dots: true,
          radius: (i) => 2.5 + 4 * Math.sqrt((rows[i].n || 1) / top),
          points: rows.map(
              (r) =>
                  [r.p, r.observed,
                   `said ${percent(r.p)}, happened ${percent(r.observed)}, n ${r.n ?? NO_VALUE}`])
        }
      ],
      {
        x: {
          label: "forecast probability",
          range: [low, high],
          format: (v) => number(v * 100, 0) + "%"
        },
        y: {range: [low, high], format: (v) => number(v * 100, 0) + "%"}
      },
      "On the line, probabilities mean what they say. Size of a dot: number of forecasts.");
}

function drawForecasts() {
  const parts = [
    present(doc.precision_coverage) && precisionCoverage(),
    present(doc.calibration) && calibration(), doc.confusion && confusion()
  ].filter(Boolean);
  if (parts.length || present(doc.skill))
    section(
        "forecasts", "Forecasts", "Held-out bars only.", null, el("div", {class: "three"}, parts),
        present(doc.skill) && table(doc.skill));
}

// Where a curve has no loss, "train at 3, 7"; the first few of many.
function gapsOf(series) {
  const at = series.points.filter(([, loss]) => !Number.isFinite(loss)).map(([epoch]) => epoch);
  const more = at.length > 6 ? ` and ${at.length - 6} more` : "";
  return at.length ? `${series.name} at ${at.slice(0, 6).join(", ")}${more}` : "";
}

function drawTraining() {
  if (!present(doc.training)) return;
  section(
      "training", "Training",
      "Loss by epoch or round; the dot marks the best on the early-stopping block.", null,
      el("div", {class: "three"}, doc.training.map((t) => {
        const curve = (values) => (values || []).map((v, i) => [i + 1, v ?? NaN]);
        const valid = curve(t.valid),
              best = valid.reduce(
                  (b, p) => Number.isFinite(p[1]) && !(p[1] >= b[1]) ? p : b, [NaN, Infinity]);
        const series = [{name: "train", color: ink("muted"), points: curve(t.train), gaps: true}];
        if (valid.some((p) => Number.isFinite(p[1])))
          series.push({name: "early stopping", color: ink("accent"), points: valid, gaps: true}, {
            color: ink("accent"),
            dots: true,
            only_dots: true,
            points: [[...best, `best at ${best[0]}: ${number(best[1], 5)}`]]
          });
        const count = Math.max(series[0].points.length, valid.length, 2);
        const gaps = series.filter((s) => s.gaps).map(gapsOf).filter(Boolean).join("; ");
        return figure(
            t.name, series, {
              height: 220,
              x: {
                label: "epoch or round",
                range: [1, count],
                whole: true,
                format: (v) => number(v, 0)
              },
              y: {format: (v) => number(v, 4)}
            },
            gaps && `The loss was no number, and the line has a gap: ${gaps}.`);
      })));
}

function drawProvenance() {
  if (present(doc.notes))
    section(
        "notes", "Notes", null, null,
        el("ul", {class: "notes"}, doc.notes.map((n) => el("li", {}, n))));
  if (!present(doc.generated_from) && !present(doc.config)) return;
  const from = Object.entries(doc.generated_from || {})
                   .map(
                       ([key, v]) =>
                           [el("dt", {}, key.replace(/_/g, " ")),
                            el("dd", {}, typeof v === "object" ? JSON.stringify(v) : String(v))]);
  section(
      "origin", "Reproduce", "The same config, data and program give the same bytes.", null,
      from.length ? el("dl", {}, from) : null,
      doc.config &&
          el("details", {}, el("summary", {}, "Resolved configuration"),
             el("pre", {}, JSON.stringify(doc.config, null, 2))));
}

function drawFooter() {
  page.append(el(
      "footer", {},
      "All figures are net of fees, slippage and funding and stem from bars the model had not seen. ",
      "Charts: ",
      el("a", {href: "https://www.tradingview.com/"}, "TradingView Lightweight Charts\u2122"),
      "."));
  page.querySelector("nav").append(...[...page.querySelectorAll("section")].map(
      (s) => el("a", {href: "#" + s.id}, s.dataset.nav)));
}

// One tooltip for all helps, so that nothing can clip it.
function armHelp() {
  const tip = el("div", {id: "tip", role: "tooltip", hidden: ""});
  document.body.append(tip);
  const show = (e) => {
    const target = e.target.closest?.("[data-help]");
    tip.hidden = !target;
    if (!target) return;
    tip.textContent = target.dataset.help;
    const box = target.getBoundingClientRect();
    tip.style.top = scrollY + box.bottom + 6 + "px";
    tip.style.left =
        Math.max(
            8,
            Math.min(
                scrollX + box.left, document.documentElement.clientWidth - tip.offsetWidth - 8)) +
        "px";
  };
  for (const event of ["mouseover", "focusin"]) document.addEventListener(event, show);
  document.addEventListener("focusout", () => {
    tip.hidden = true;
  });
}

try {
  [drawHeader, drawVerdict, drawSummary, drawEquity, drawTables, drawCandles, drawExits,
   drawForecasts, drawImportance, drawTraining, drawProvenance, drawFooter, armHelp]
      .forEach((draw) => draw());
  later.forEach((start) => start());
  requestAnimationFrame(() => requestAnimationFrame(() => {
                          document.documentElement.dataset.ready = "1";
                        }));
} catch (e) {
  document.documentElement.dataset.error = e.stack || String(e);
  page.append(el("pre", {}, "This report could not be drawn: " + e.message));
}
