// Tables that sort and copy, folds that open for their anchors, and lines over steps that answer hover and click.
"use strict";
(() => {
  const GAP = 65535;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const faint = (name, share) => `color-mix(in srgb, ${css(name)} ${share}%, transparent)`;
  const round = (v) => (v === null || v === undefined ? "–" : String(+v.toPrecision(3)));
  const interval = (t) => `${round(t[0])} [${t[1] === null ? "open" : round(t[1])}, ${t[2] === null ? "open" : round(t[2])}]`;
  const all = (where, what) => [...where.querySelectorAll(what)];

  // ------------------------------------------------------------------ folds
  const unfold = () => {
    if (location.hash.length < 2) return;
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    target?.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  all(document, 'a[href^="#"]').forEach((a) => a.addEventListener("click", () => setTimeout(unfold)));

  // ----------------------------------------------------------------- tables
  const sortBy = (table, column, head) => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)], [p, q] = [parseFloat(x), parseFloat(y)];
      if (isNaN(p) !== isNaN(q)) return isNaN(p) ? 1 : -1;
      return (up ? 1 : -1) * (isNaN(p) ? x.localeCompare(y) : p - q);
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
    all(table, "th").forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
  };
  const copied = async (table, button) => {
    const text = [...table.rows].map((row) => [...row.cells].map((c) => c.textContent.trim()).join("\t")).join("\n");
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };
  for (const sheet of all(document, ".sheet")) {
    const table = sheet.querySelector("table"), button = document.createElement("button");
    button.className = "copy"; button.type = "button"; button.textContent = "copy";
    button.setAttribute("aria-label", `Copy ${sheet.querySelector(".scroll").getAttribute("aria-label")}`);
    button.addEventListener("click", () => copied(table, button));
    sheet.append(button);
    if (table.tBodies[0].rows.length < 3) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (head.tagName !== "TH") return;
      const sort = document.createElement("button");
      sort.type = "button"; sort.textContent = head.textContent;
      sort.addEventListener("click", () => sortBy(table, column, head));
      head.replaceChildren(sort);
    });
  }

  // ------------------------------------------------------------------ lines
  const made = new Map();
  const unpack = (paths) => new Uint16Array(Uint8Array.from(atob(paths.levels), (c) => c.charCodeAt(0)).buffer);

  // Scores of a few values would lie on top of each other: their lines are spread by a few pixels, each always the same.
  const FEW = 12, SPREAD = 9;
  const repeats = (levels) => {
    const count = new Map();
    for (const level of levels) if (level !== GAP) count.set(level, (count.get(level) || 0) + 1);
    const every = [...count.values()].sort((a, b) => b - a), sum = (some) => some.reduce((a, b) => a + b, 0);
    return sum(every.slice(0, FEW)) > 0.6 * sum(every);
  };
  const score = (paths, level) => paths.low + (level / (GAP - 1)) * (paths.high - paths.low);

  const drawPaths = (u, chart, levels, chosen) => {
    const n = chart.x.length, rows = levels.length / n, ctx = u.ctx;
    const xs = chart.x.map((s) => u.valToPos(s, "x", true));
    const spread = rows > FEW && repeats(levels) ? SPREAD * devicePixelRatio : 0;
    const trace = (row, beside = spread * (((row * 0.618034) % 1) - 0.5)) => {
      const path = new Path2D();
      let pen = false;
      for (let k = 0; k < n; k++) {
        const level = levels[row * n + k];
        if (level === GAP) { pen = false; continue; }
        const y = u.valToPos(score(chart.paths, level), "y", true) + beside;
        if (pen) path.lineTo(xs[k], y); else path.moveTo(xs[k], y);
        pen = true;
      }
      return path;
    };
    ctx.save();
    ctx.beginPath(); ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); ctx.clip();
    ctx.lineWidth = devicePixelRatio;
    ctx.strokeStyle = faint("context", 100 * Math.min(0.4, Math.max(0.05, 9 / rows)));
    for (let row = 0; row < rows; row++) ctx.stroke(trace(row));
    if (chosen !== null) { ctx.strokeStyle = css("ink"); ctx.lineWidth = 2 * devicePixelRatio; ctx.stroke(trace(chosen, 0)); }
    ctx.restore();
  };

  const drawRule = (u, rule) => {
    const ctx = u.ctx, { left, top, width, height } = u.bbox, across = rule.axis === "y";
    const [from, to] = across ? [top, top + height] : [left, left + width];
    const at = (v, open) => (v === null ? open : Math.min(Math.max(u.valToPos(v, rule.axis, true), from), to));
    const [value, low, high] = rule.figure;
    ctx.save();
    if (rule.band) { // an open side fades out
      const a = at(low, across ? to : from), b = at(high, across ? from : to);
      const fade = ctx.createLinearGradient(across ? 0 : a, across ? a : 0, across ? 0 : b, across ? b : 0);
      fade.addColorStop(0, faint(rule.tone, low === null ? 0 : 13));
      fade.addColorStop(1, faint(rule.tone, high === null ? 0 : 13));
      ctx.fillStyle = fade;
      if (low !== null || high !== null) ctx.fillRect(...(across ? [left, Math.min(a, b), width, Math.abs(b - a)] : [Math.min(a, b), top, Math.abs(b - a), height]));
    }
    const place = value === null ? NaN : u.valToPos(value, rule.axis, true);
    if (place >= from && place <= to) {
      ctx.strokeStyle = css(rule.tone); ctx.lineWidth = 1.5 * devicePixelRatio; ctx.setLineDash(DASHES[rule.stroke].map((d) => d * devicePixelRatio));
      ctx.beginPath();
      if (across) { ctx.moveTo(left, place); ctx.lineTo(left + width, place); } else { ctx.moveTo(place, top); ctx.lineTo(place, top + height); }
      ctx.stroke();
    }
    ctx.restore();
  };

  const drawMargin = (u, margin) => {
    const ctx = u.ctx, { left, top, width, height } = u.bbox, x = left + width + 7 * devicePixelRatio;
    const y = (v, open) => (v === null ? open : Math.min(Math.max(u.valToPos(v, "y", true), top), top + height));
    const [value, low, high] = margin.figure;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css(margin.tone); ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath(); ctx.moveTo(x, y(high, top)); ctx.lineTo(x, y(low, top + height)); ctx.stroke();
    ctx.beginPath(); ctx.arc(x, y(value, top), 4 * devicePixelRatio, 0, 7); ctx.fill();
    ctx.restore();
  };

  const nearest = (u, chart, levels, left, top) => {
    const n = chart.x.length, step = u.posToVal(left, "x"), paths = chart.paths;
    let k = 0;
    chart.x.forEach((s, i) => { if (Math.abs(s - step) < Math.abs(chart.x[k] - step)) k = i; });
    const target = ((u.posToVal(top, "y") - paths.low) / (paths.high - paths.low || 1)) * (GAP - 1);
    let best = null, gap = Infinity;
    for (let row = 0; row * n < levels.length; row++) {
      const level = levels[row * n + k];
      if (level !== GAP && Math.abs(level - target) < gap) { gap = Math.abs(level - target); best = row; }
    }
    return best;
  };
  const describe = (chart, levels, row) => {
    const n = chart.x.length, values = [];
    for (let k = 0; k < n; k++) {
      const level = levels[row * n + k];
      if (level !== GAP) values.push(`${chart.x[k]}: ${round(score(chart.paths, level))}`);
    }
    return `session ${chart.paths.names[row] ?? row + 1} by ${chart.xlabel}, ${values.join(", ")}`;
  };

  const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];
  const DASHES = { solid: [], dashed: [7, 4], dotted: [2, 4] };
  const size = (box) => ({
    width: document.documentElement.classList.contains("printing") ? Math.min(box.clientWidth, 620) : box.clientWidth,
    height: parseFloat(getComputedStyle(box.querySelector(".plot")).minHeight),
  });
  const range = (chart, u, low, high) => {
    if (chart.low !== null) return [chart.low, chart.high];
    const pad = high > low ? 0.06 * (high - low) : 0.5;
    return [low - pad, high + pad];
  };

  const create = (box) => {
    const chart = JSON.parse(box.querySelector("script").textContent);
    const said = box.querySelector(".told"), plot_ = box.querySelector(".plot");
    const levels = chart.paths ? unpack(chart.paths) : new Uint16Array();
    let chosen = null;
    plot_.classList.add("on");
    plot_.replaceChildren();
    plot_.tabIndex = 0;
    plot_.setAttribute("role", "img");
    plot_.setAttribute("aria-label", chart.described);
    const axis = () => ({ stroke: css("soft"), grid: { stroke: css("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" });
    const say = (k) => {
      if (k === null || k === undefined) return;
      const figures = chart.lines.filter((l) => l.label).map((l) => `${l.label} ${l.low ? interval([l.y[k], l.low[k], l.high[k]]) : round(l.y[k])}`);
      said.textContent = `${chart.xlabel} ${chart.x[k]}: ${figures.join("; ")}`;
    };
    const columns = [chart.x], series = [{}], bands = [];
    for (const l of chart.lines) {
      columns.push(l.y);
      series.push({ stroke: css(l.tone), width: l.strong ? 3 : 1.8, dash: DASHES[l.stroke], points: { show: chart.x.length < 2 } });
      if (!l.low) continue;
      columns.push(l.low, l.high);
      series.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
      bands.push({ series: [series.length - 1, series.length - 2], fill: faint(l.tone, 22) });
    }
    const plot = new uPlot({
      ...size(box), padding: [8, 16, 0, 0], legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: (...given) => range(chart, ...given) } },
      axes: [
        { ...axis(), size: 22, gap: 4, label: chart.xlabel, labelSize: 16, labelGap: 0, labelFont: axis().font, ...(chart.whole ? { incrs: WHOLE } : {}) },
        { ...axis(), size: 50, values: (_, vs) => vs.map((v) => String(+v.toPrecision(4))) },
      ],
      series, bands,
      hooks: {
        drawAxes: [(u) => { if (chart.paths) drawPaths(u, chart, levels, chosen); }],
        draw: [(u) => { chart.rules.forEach((r) => drawRule(u, r)); chart.margins.forEach((m) => drawMargin(u, m)); }],
        setCursor: [(u) => say(u.cursor.idx)],
      },
    }, columns, plot_);
    plot.over.addEventListener("click", (event) => {
      if (!chart.paths) return;
      chosen = nearest(plot, chart, levels, event.offsetX, event.offsetY);
      plot.redraw(false, true);
      if (chosen !== null) said.textContent = describe(chart, levels, chosen);
    });
    let k = -1;
    plot_.onkeydown = (event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      event.preventDefault();
      k = Math.min(Math.max(k + (event.key === "ArrowRight" ? 1 : -1), 0), chart.x.length - 1);
      plot.setCursor({ left: plot.valToPos(chart.x[k], "x"), top: plot.valToPos(chart.lines[0].y[k] ?? 0, "y") });
      say(k);
    };
    return plot;
  };

  const remake = (box) => { made.get(box)?.destroy(); made.set(box, create(box)); };
  const boxes = all(document, ".chart").filter((box) => box.querySelector(":scope > script"));
  const watch = new IntersectionObserver((seen) => {
    for (const entry of seen) if (entry.isIntersecting && !made.has(entry.target)) made.set(entry.target, create(entry.target));
  }, { rootMargin: "300px" });
  boxes.forEach((box) => watch.observe(box));
  const shown = (box) => box.getClientRects().length > 0;
  const closed = new Set();
  const print = (on) => { // paper is white and narrow, and nothing on it is folded
    document.documentElement.classList.toggle("printing", on);
    if (on) all(document, "details:not([open])").forEach((d) => { closed.add(d); d.open = true; });
    (on ? boxes : [...made.keys()]).filter(shown).forEach(remake);
    if (!on) { closed.forEach((d) => { d.open = false; }); closed.clear(); }
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => [...made.keys()].filter(shown).forEach(remake));
  let timer = 0, width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(timer);
    timer = setTimeout(() => [...made].filter(([box]) => shown(box)).forEach(([box, plot]) => plot.setSize(size(box))), 120);
  });
  all(document, "details").forEach((d) => d.addEventListener("toggle", () => {
    if (d.open) all(d, ".chart").filter((box) => made.has(box) && shown(box)).forEach((box) => made.get(box).setSize(size(box)));
  }));
  unfold();
})();
