"use strict";
// The section on what the columns are worth: gain, shuffling, SHAP.

// One row a column; a point lies at its contribution, coloured by the rank of the column's value.
function swarm(shap) {
  const W = 460, left = 150, right = 14, row = 22, top = 6, bottom = 40;
  const H = top + row * shap.columns.length + bottom, middle = (left + W - right) / 2;
  const reach = (W - right - left) / 2 - 6;
  const out = svg("svg", {
    class: "swarm",
    viewBox: `0 0 ${W} ${H}`,
    role: "img",
    "aria-label": "SHAP values of the strongest columns"
  });
  const axis = H - bottom;
  out.append(svg("line", {x1: middle, x2: middle, y1: top, y2: axis, class: "axis"}));
  for (const t of [-1, -0.5, 0, 0.5, 1]) {
    const x = middle + t * reach;
    if (t) out.append(svg("line", {x1: x, x2: x, y1: top, y2: axis, class: "grid"}));
    out.append(
        svg("text", {x, y: axis + 16, "text-anchor": "middle"}, magnitude(t * shap.largest)));
  }
  out.append(svg(
      "text", {x: middle, y: H - 5, "text-anchor": "middle"}, "added to the forecast of a row"));
  shap.columns.forEach((c, i) => {
    const y = top + row * (i + 0.5), taken = new Map();
    out.append(
        svg("text", {x: left - 8, y: y + 4, "text-anchor": "end", class: "name"},
            c.name.length > 22 ? c.name.slice(0, 21) + "\u2026" : c.name));
    for (const [at, rank] of c.points) {
      // Points that would hide each other go above and below in turn.
      const slot = Math.round(at / 12), before = taken.get(slot) || 0;
      taken.set(slot, before + 1);
      const lift = Math.min(Math.ceil(before / 2) * 2.4, row / 2 - 2.5) * (before % 2 ? -1 : 1);
      out.append(svg("circle", {
        class: "shap",
        cx: (middle + at / 1000 * reach).toFixed(1),
        cy: (y + lift).toFixed(1),
        r: 2.1,
        fill: rank === null ? ink("muted") : `hsl(${(215 + 1.45 * rank).toFixed(0)} 75% 52%)`
      }));
    }
  });
  return out;
}

// A number of any size in three digits.
function magnitude(v) {
  if (!v) return "0";
  return (v < 0 ? MINUS : "") + String(Number(Math.abs(v).toPrecision(3)));
}

function drawImportance() {
  if (!present(doc.importance)) return;
  const rows = [...doc.importance].sort((a, b) => b.gain - a.gain), families = new Map();
  const total = rows.reduce((sum, r) => sum + r.gain, 0) || 1;
  for (const r of rows)
    families.set(r.family || "other", (families.get(r.family || "other") || 0) + r.gain);
  const order = [...families].sort((a, b) => b[1] - a[1]),
        colors = new Map(order.map(([f], i) => [f, paint(i)]));
  const color = (r) => colors.get(r.family || "other");
  const shown = rows.slice(0, 25), about = doc.explanation || {};
  const box = (title, caption, ...content) =>
      el("figure", {class: "box"}, el("h3", {}, title), ...content,
         caption && el("figcaption", {}, caption));
  const measured = (key, most) => rows.filter((r) => Number.isFinite(r[key]))
                                      .sort((a, b) => b[key] - a[key])
                                      .slice(0, most);
  const covered = measured("cover", 15);
  const figures = [
    box("Columns by gain", null, bars(shown.map((r) => ({
                                                  name: r.name,
                                                  value: r.gain,
                                                  text: percent(r.gain / total),
                                                  color: color(r),
                                                  tip: `${r.name} (${r.family || "other"})`
                                                })))),
    el("div", {class: "column"},
       box("Families by gain", null, bars(order.map(([family, gain]) => ({
                                                      name: family,
                                                      value: gain,
                                                      text: percent(gain / total),
                                                      color: colors.get(family)
                                                    })))),
       covered.length ? box("Columns by cover", null, bars(covered.map((r) => ({
                                                                        name: r.name,
                                                                        value: r.cover,
                                                                        text: percent(r.cover),
                                                                        color: color(r)
                                                                      })))) :
                        null),
  ];
  const explained = [];
  const shuffled = measured("permutation", 20);
  if (shuffled.length) {
    const below = rows.filter((r) => r.permutation < 0).length;
    explained.push(
        box("Loss when shuffled",
            `How much the loss rises when a column's values change places among rows of a fold's ` +
                `test block, which its trees have not seen; mean over ${about.folds ?? NO_VALUE} ` +
                `folds and its deviation between them. A sample of ${about.rows ?? NO_VALUE} rows in ` +
                `all, one shuffle each, the first forest of each target. ${below} of ${
                    rows.length} columns are below 0: noise, or misleading.`,
            bars(shuffled.map((r) => ({
                                name: r.name,
                                value: r.permutation,
                                text: `${number(r.permutation * 100, 2)} % \u00b1 ${
                                    number((r.permutation_sd || 0) * 100, 2)}`,
                                color: color(r)
                              })))));
  }
  if (about.shap && present(about.shap.columns))
    explained.push(
        box("SHAP",
            `What each column adds to ${about.shap.of}, in ${about.shap.rows} rows of the newest ` +
                `fold's test block (a sample). Blue: low values of the column, red: high ones, ` +
                `grey: missing. Sorted by the mean of |SHAP|.`,
            swarm(about.shap)));
  const strongest = measured("shap", 20);
  if (strongest.length)
    explained.push(box("Mean |SHAP|", null, bars(strongest.map((r) => ({
                                                                 name: r.name,
                                                                 value: r.shap,
                                                                 text: magnitude(r.shap),
                                                                 color: color(r)
                                                               })))));
  section(
      "importance", "Feature importance",
      `Share of the trees' gain; ${shown.length} of ${rows.length} columns.`, null,
      el("div", {class: "two"}, figures),
      explained.length ? el("div", {class: "two"}, explained) : null);
}
