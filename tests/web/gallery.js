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
Object.assign(window, { frame, pictures, calls, chosen, unfolded, shown, again, pixel });
