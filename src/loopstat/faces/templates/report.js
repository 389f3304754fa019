// Fan charts: sessions thin, mean thick with its interval, rest and end marked. Figures come from the page's own data.
"use strict";
(() => {
  const MISSING = 65535;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const round = (v) => (v === null || v === undefined ? "–" : String(+v.toPrecision(3)));
  const interval = (t) => `${round(t[0])} [${t[1] === null ? "open" : round(t[1])}, ${t[2] === null ? "open" : round(t[2])}]`;
  const made = new Map();

  const unpack = (fan) => {
    const bytes = Uint8Array.from(atob(fan.sessions), (c) => c.charCodeAt(0));
    return new Uint16Array(bytes.buffer);
  };

  // Scores of a few values would lie on top of each other: their lines are spread by a few pixels, each always the same.
  const FEW = 12, SPREAD = 9;
  const repeats = (levels) => {
    const count = new Map();
    for (const level of levels) if (level !== MISSING) count.set(level, (count.get(level) || 0) + 1);
    const every = [...count.values()].sort((a, b) => b - a), sum = (all) => all.reduce((a, b) => a + b, 0);
    return sum(every.slice(0, FEW)) > 0.6 * sum(every);
  };

  const drawSessions = (u, fan, levels, chosen) => {
    const n = fan.steps.length;
    const rows = levels.length / n;
    const toY = (l) => u.valToPos(fan.low + (l / (MISSING - 1)) * (fan.high - fan.low), "y", true);
    const xs = fan.steps.map((s) => u.valToPos(s, "x", true));
    const spread = rows > FEW && repeats(levels) ? SPREAD * devicePixelRatio : 0;
    const trace = (row, beside = spread * (((row * 0.618034) % 1) - 0.5)) => {
      const path = new Path2D();
      let pen = false;
      for (let k = 0; k < n; k++) {
        const level = levels[row * n + k];
        if (level === MISSING) { pen = false; continue; }
        if (pen) path.lineTo(xs[k], toY(level) + beside); else path.moveTo(xs[k], toY(level) + beside);
        pen = true;
      }
      return path;
    };
    const ctx = u.ctx;
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    ctx.lineWidth = devicePixelRatio;
    ctx.strokeStyle = `rgba(${css("--thin")}, ${Math.min(0.4, Math.max(0.05, 9 / rows))})`;
    for (let row = 0; row < rows; row++) ctx.stroke(trace(row));
    if (chosen !== null) {
      ctx.strokeStyle = css("--ink");
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.stroke(trace(chosen, 0));
    }
    ctx.restore();
  };

  const drawRest = (u, fan) => {
    const ctx = u.ctx;
    const { left, top, width, height } = u.bbox;
    const y = (v, open) => (v === null ? open : Math.min(Math.max(u.valToPos(v, "y", true), top), top + height));
    ctx.save();
    if (fan.rest) {
      const [value, low, high] = fan.rest;
      if (low !== null || high !== null) {
        const upper = y(high, top), lower = y(low, top + height);
        ctx.fillStyle = css("--rest-band");
        if (low === null || high === null) { // an open side fades out
          const fade = ctx.createLinearGradient(0, high === null ? lower : upper, 0, high === null ? upper : lower);
          fade.addColorStop(0, css("--rest-band"));
          fade.addColorStop(1, css("--rest-band").replace(/[\d.]+\)$/, "0)")); // transparent would be black
          ctx.fillStyle = fade;
        }
        ctx.fillRect(left, upper, width, lower - upper);
      }
      ctx.strokeStyle = css("--c5");
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      const at = u.valToPos(value, "y", true);
      if (at >= top && at <= top + height) {
        ctx.beginPath(); ctx.moveTo(left, at); ctx.lineTo(left + width, at); ctx.stroke();
      }
      ctx.setLineDash([]);
    }
    if (fan.end) {
      const x = left + width + 6 * devicePixelRatio;
      ctx.strokeStyle = ctx.fillStyle = css("--ink");
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.beginPath(); ctx.moveTo(x, y(fan.end[2], top)); ctx.lineTo(x, y(fan.end[1], top + height)); ctx.stroke();
      ctx.beginPath(); ctx.arc(x, y(fan.end[0], top), 4 * devicePixelRatio, 0, 7); ctx.fill();
    }
    ctx.restore();
  };

  const nearest = (u, fan, levels, left, top) => {
    const n = fan.steps.length;
    const value = u.posToVal(top, "y");
    const step = u.posToVal(left, "x");
    let k = 0;
    fan.steps.forEach((s, i) => { if (Math.abs(s - step) < Math.abs(fan.steps[k] - step)) k = i; });
    const target = ((value - fan.low) / (fan.high - fan.low || 1)) * (MISSING - 1);
    let best = null, gap = Infinity;
    for (let row = 0; row * n < levels.length; row++) {
      const level = levels[row * n + k];
      if (level !== MISSING && Math.abs(level - target) < gap) { gap = Math.abs(level - target); best = row; }
    }
    return best;
  };

  const describe = (fan, levels, row) => {
    const n = fan.steps.length;
    const values = [];
    for (let k = 0; k < n; k++) {
      const level = levels[row * n + k];
      if (level !== MISSING) values.push(`${fan.steps[k]}: ${round(fan.low + (level / (MISSING - 1)) * (fan.high - fan.low))}`);
    }
    return `session ${fan.names[row]} by step, ${values.join(", ")}`;
  };

  const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];
  const size = (box) => ({
    width: document.documentElement.classList.contains("printing") ? Math.min(box.clientWidth, 620) : box.clientWidth,
    height: parseFloat(getComputedStyle(box.querySelector(".plot")).minHeight),
  });

  const create = (box) => {
    const fan = JSON.parse(box.querySelector("script").textContent);
    const said = box.querySelector(".said");
    const levels = unpack(fan);
    let chosen = null;
    const inside = fan.mean.concat([fan.low, fan.high]).filter((v) => v !== null);
    if (fan.rest && fan.rest[0] !== null && Math.abs(fan.rest[0] - (fan.low + fan.high) / 2) < 1.2 * (fan.high - fan.low)) inside.push(fan.rest[0]);
    const low = Math.min(...inside), high = Math.max(...inside);
    const pad = high > low ? 0.06 * (high - low) : 0.5;
    const axis = () => ({ stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") }, font: "12px system-ui, sans-serif" });
    const say = (k) => {
      if (k === null || k === undefined) return;
      said.textContent = `step ${fan.steps[k]}: mean ${interval([fan.mean[k], fan.mean_low[k], fan.mean_high[k]])}`;
    };
    const options = {
      ...size(box), padding: [8, 14, 0, 0], legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: [low - pad, high + pad] } },
      axes: [{ ...axis(), size: 22, gap: 4, label: "step", labelSize: 16, labelGap: 0, labelFont: axis().font, incrs: WHOLE, ticks: { show: false } }, { ...axis(), size: 54, values: (_, vs) => vs.map((v) => String(+v.toPrecision(4))) }],
      series: [{}, { stroke: css("--c0"), width: 3, points: { show: false } }, { stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } }],
      bands: [{ series: [3, 2], fill: css("--mean-band") }],
      hooks: {
        drawAxes: [(u) => { drawSessions(u, fan, levels, chosen); }],
        draw: [(u) => drawRest(u, fan)],
        setCursor: [(u) => say(u.cursor.idx)],
      },
    };
    const plot = new uPlot(options, [fan.steps, fan.mean, fan.mean_low, fan.mean_high], box.querySelector(".plot"));
    plot.over.addEventListener("click", (event) => {
      chosen = nearest(plot, fan, levels, event.offsetX, event.offsetY);
      plot.redraw(false, true);
      if (chosen !== null) said.textContent = describe(fan, levels, chosen);
    });
    let k = -1;
    const key = (event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      event.preventDefault();
      k = Math.min(Math.max(k + (event.key === "ArrowRight" ? 1 : -1), 0), fan.steps.length - 1);
      plot.setCursor({ left: plot.valToPos(fan.steps[k], "x"), top: plot.valToPos(fan.mean[k] ?? low, "y") });
      say(k);
    };
    box.querySelector(".plot").addEventListener("keydown", key);
    return plot;
  };

  const remake = (box) => {
    made.get(box)?.destroy();
    made.set(box, create(box));
  };
  const boxes = [...document.querySelectorAll(".fan")];
  const watch = new IntersectionObserver((seen) => {
    for (const entry of seen) {
      if (entry.isIntersecting && !made.has(entry.target)) made.set(entry.target, create(entry.target));
    }
  }, { rootMargin: "300px" });
  boxes.forEach((box) => watch.observe(box));
  const print = (on) => { // paper is white and narrow
    document.documentElement.classList.toggle("printing", on);
    (on ? boxes : [...made.keys()]).forEach(remake);
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => [...made.keys()].forEach(remake));
  let timer = 0, width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(timer);
    timer = setTimeout(() => [...made].forEach(([box, plot]) => plot.setSize(size(box))), 120);
  });
})();
