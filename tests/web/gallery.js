// Every chart of a frame as a Picture, for the tests of charts: `frame(name)` shows one, and `pictures` holds them.
import { Picture, chosen, unfolded } from "./static/charts.js";

const read = async (name) => {
  const given = await (await fetch(`${name}.bin`)).arrayBuffer(), size = new DataView(given).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(given, 4, size)));
  return { document: header.document, floats: new Float32Array(given, 4 + size + ((4 - (size % 4)) % 4)) };
};

const charts = (value, found = []) => {
  if (value && typeof value === "object") {
    if (value.type === "chart") found.push(value);
    else for (const inner of Object.values(value)) charts(inner, found);
  }
  return found;
};

const pictures = {}, calls = [], shown = {};
const frame = async (name) => {
  const { document: made, floats } = await read(name), out = document.getElementById("charts");
  for (const chart of charts(made)) {
    const host = out.appendChild(document.createElement("div"));
    host.id = chart.key;
    shown[chart.key] = { chart, floats };
    pictures[chart.key] = new Picture(host, { choose: (...given) => calls.push(given) });
    pictures[chart.key].update(chart, floats, { live: false });
  }
};
const again = (key, change = {}, live = true) => pictures[key].update({ ...shown[key].chart, ...change }, shown[key].floats, { live });
const pixel = (key, mark, k, row = 0) => { // of the k-th value of a mark, in pixels of its canvas, by uPlot's own reckoning
  const { plot, chart } = pictures[key], m = chart.marks[mark], r = devicePixelRatio;
  const y = m.kind === "paths" ? m.y[row * m.n + k] : m.y[k];
  return [plot.valToPos(m.x[k], "x", true) / r, plot.valToPos(y, "y", true) / r];
};

// Milliseconds that `update` of eight charts takes, one of them with 300 paths of 400 points: 10, 50 and 95 %.
const eight = async () => {
  const out = document.getElementById("charts"), n = 400, rows = 300, at = n + rows * n;
  out.replaceChildren();
  const frames = [...Array(10)].map((_, t) => {
    const floats = new Float32Array(at + 3 * n), wave = (k) => Math.sin(k / 40 + t / 5);
    for (let k = 0; k < n; k++) {
      floats[k] = k;
      for (let row = 0; row < rows; row++) floats[n + row * n + k] = wave(k) + ((row * 0.618) % 1) + 0.2 * Math.sin(row * k);
      for (let j = 0; j < 3; j++) floats[at + j * n + k] = wave(k) + 0.2 * (j - 1);
    }
    return floats;
  });
  const line = { kind: "line", x: { f32: [0, n] }, y: { f32: [at + n, n] }, low: { f32: [at, n] }, high: { f32: [at + 2 * n, n] },
    label: "mean", tone: "ours", stroke: "solid", strong: true, step: false };
  const paths = { kind: "paths", x: { f32: [0, n] }, y: { f32: [n, rows, n] }, names: [], label: "runs", tone: "context" };
  const charts = [...Array(8)].map((_, k) => ({ type: "chart", key: `c${k}`, title: "", described: "", size: "small", link: "",
    x: { label: "move", low: 0, high: n }, y: { label: "y", low: -1.5, high: 2.5 }, marks: k ? [line] : [paths, line] }));
  const made = charts.map(() => new Picture(out.appendChild(document.createElement("div")), {})), took = [];
  for (let turn = 0; turn < 60; turn++) {
    const start = performance.now();
    charts.forEach((chart, k) => made[k].update(chart, frames[turn % 10], { live: true }));
    took.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  const ordered = took.slice(5).sort((a, b) => a - b);
  made.forEach((picture) => picture.destroy());
  return [0.1, 0.5, 0.95].map((share) => ordered[Math.floor(share * ordered.length)]);
};
Object.assign(window, { eight, frame, pictures, calls, chosen, unfolded, shown, again, pixel });
