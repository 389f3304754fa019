// The panel of controls: one control for every row of settings, by its kind alone.

import { button, el, say } from "./dom.js";
import { worded } from "./flags.js";
import { isDefault, same, titled } from "./settings.js";

const SEGMENTS = 36; // letters of choices that still stand side by side
let made = 0;

/** Return a round step that divides a range into a hundred parts or more. */
export const stepOf = (row) => {
  if (row.whole) return 1;
  const [low, high] = row.slider, part = (high - low) / 100, unit = 10 ** Math.floor(Math.log10(part));
  return [5, 2, 1].find((m) => m * unit <= part * (1 + 1e-9)) * unit;
};

const GREEK = { alpha: "α", beta: "β", gamma: "γ", delta: "δ", kappa: "κ", lambda: "λ", mu: "μ", rho: "ρ", sigma: "σ" };

/** Return a symbol as it is written: Greek letters, and what is below the line there. */
const lettered = (symbol) => {
  const [, letter, below] = /^(.*?)(?:_(\w+)|\[([^\]]+)\]|(\d+))?$/.exec(symbol).filter((part) => part !== undefined);
  const greek = letter.replace(/[a-z]+/g, (word) => GREEK[word] ?? word);
  return el("i", { text: greek }, below ? el("sub", { text: below }) : null);
};

const plain = (value) => (value === null || value === undefined ? "" : String(value));

/** Tell moves of a slider or a field while the hand is on it, and once when it lets go; held keys are one move. */
const hand = (input, read, tell) => {
  let held = false, moved = false;
  const release = () => { if (moved && !held) { moved = false; tell(read(), false); } };
  input.addEventListener("keydown", (event) => { held ||= /^(Arrow|Page|Home|End)/.test(event.key); });
  input.addEventListener("keyup", (event) => {
    if (!/^(Arrow|Page|Home|End)/.test(event.key)) return;
    held = false;
    release();
  });
  input.addEventListener("input", () => { moved = true; tell(read(), true); });
  input.addEventListener("change", () => { moved = true; release(); });
  input.addEventListener("blur", () => { held = false; release(); });
};

// ------------------------------------------------------------------------------ kinds

const number = (row, id, tell) => {
  const field = el("input", { type: "number", id, class: "field", step: row.whole ? 1 : "any", inputmode: "decimal",
    autocomplete: "off", placeholder: plain(row.default) || "not set" });
  const slider = row.slider && el("input", { type: "range", class: "slider", min: row.slider[0], max: row.slider[1],
    step: stepOf(row), "aria-labelledby": `${id}-name` });
  const read = (input) => (input.value === "" ? null : Number(input.value));
  const typed = (live) => {
    if (field.validity.badInput) return;
    if (slider && field.value !== "") slider.value = field.value;
    tell(read(field), live);
  };
  field.addEventListener("keydown", (event) => stepped(event, row, field));
  hand(field, () => null, (_, live) => typed(live));
  if (slider) {
    hand(slider, () => read(slider), (value, live) => {
      field.value = plain(value);
      tell(value, live);
    });
  }
  const show = (value) => {
    const text = plain(value);
    const typing = document.activeElement === field && Number(field.value) === value;
    if (field.value !== text && !typing) field.value = text;
    if (slider && Number(slider.value) !== value) slider.value = value ?? row.slider[0];
  };
  return { el: el("div", { class: "number" }, slider, field), inputs: [field, slider].filter(Boolean), show };
};

/** Arrow keys of a number field go by the slider's step, not by one. */
const stepped = (event, row, field) => {
  const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!by || !row.slider || row.whole) return;
  event.preventDefault();
  const step = stepOf(row), at = Number(field.value || row.default || 0) + by * step;
  field.value = String(Number(Math.min(Math.max(at, row.low ?? -Infinity), row.high ?? Infinity).toPrecision(12)));
  field.dispatchEvent(new Event("input"));
};

const choice = (row, id, tell) => {
  const choices = row.default === null ? ["", ...row.choices] : row.choices;
  return choices.join("").length <= SEGMENTS && choices.length <= 5
    ? segments(row, id, tell, choices)
    : select(row, id, tell, choices);
};

const nameOf = (value) => (value === "" ? "default" : value.replaceAll("_", " "));

const segments = (row, id, tell, choices) => {
  const radios = choices.map((value, k) => el("input", { type: "radio", name: id, value, id: `${id}-${k}`,
    onchange: () => tell(value || null, false) }));
  const box = el("div", { class: "segments" });
  radios.forEach((radio, k) => box.append(radio, el("label", { for: radio.id, text: nameOf(choices[k]) })));
  const show = (value) => radios.forEach((radio) => { radio.checked = radio.value === plain(value); });
  return { el: box, inputs: radios, show, group: true };
};

const select = (row, id, tell, choices) => {
  const box = el("select", { id, onchange: () => tell(box.value || null, false) });
  box.append(...choices.map((value) => el("option", { value, text: nameOf(value) })));
  return { el: box, inputs: [box], show: (value) => { box.value = plain(value); } };
};

const toggle = (row, id, tell) => {
  const box = el("input", { type: "checkbox", role: "switch", class: "switch", id,
    onchange: () => tell(box.checked, false) });
  return { el: box, inputs: [box], show: (value) => { box.checked = Boolean(value); }, beside: true };
};

const text = (row, id, tell) => {
  const box = el("input", { type: "text", id, class: "line", autocomplete: "off", spellcheck: "false",
    placeholder: plain(row.default) || row.metavar || "", onchange: () => tell(box.value.trim() || null, false) });
  return { el: box, inputs: [box], show: (value) => { if (box.value !== plain(value)) box.value = plain(value); } };
};

const chips = (row, id, tell) => {
  let values = [];
  const list = el("ul", { class: "chips" });
  const put = (next) => { draw(next); tell(next.length ? next : null, false); };
  const add = () => {
    const more = box.value.split(",").map((v) => v.trim()).filter((v) => v && !values.includes(v));
    box.value = "";
    if (more.length) put([...values, ...more]);
  };
  const keys = (event) => {
    if (event.key === "Enter" || event.key === ",") { event.preventDefault(); add(); }
    if (event.key === "Backspace" && !box.value && values.length) put(values.slice(0, -1));
  };
  const box = el("input", { type: "text", id, class: "line", autocomplete: "off", spellcheck: "false",
    placeholder: row.metavar || "", onkeydown: keys, onblur: add });
  const chip = (value) => el("li", {}, el("span", { text: value }), button("×", () => {
    put(values.filter((v) => v !== value));
    box.focus();
  }, { "aria-label": `Remove ${value}` }));
  const draw = (next) => {
    if (same(next, values) && list.childElementCount === next.length) return;
    values = next;
    list.replaceChildren(...next.map(chip));
  };
  return { el: el("div", { class: "many" }, list, box), inputs: [box], show: (value) => draw([].concat(value ?? [])) };
};

const MAKERS = { number, choice, flag: toggle, switch: toggle, text, list: chips, pairs: chips };

// ---------------------------------------------------------------------------- tooltips

/** One bubble for the whole page: it says what a setting means, by hover, focus, click or touch. */
class Bubble {
  constructor() {
    this.el = el("div", { class: "bubble", hidden: true });
    document.body.append(this.el);
    addEventListener("keydown", (event) => { if (event.key === "Escape") this.hide(); });
    addEventListener("scroll", () => this.hide(), { capture: true, passive: true });
  }

  at(anchor, words) {
    this.el.textContent = words;
    this.el.hidden = false;
    const near = anchor.getBoundingClientRect(), own = this.el.getBoundingClientRect();
    const below = near.bottom + 6 + own.height < innerHeight;
    this.el.style.left = `${Math.max(8, Math.min(near.left - 8, innerWidth - own.width - 8))}px`;
    this.el.style.top = `${below ? near.bottom + 6 : Math.max(8, near.top - own.height - 6)}px`;
  }

  hide() { if (!this.el.hidden) this.el.hidden = true; }
}
let bubble = null;

const why = (row, id) => {
  bubble ??= new Bubble();
  const from = row.source && row.source !== "loopstat" ? ` Default from ${row.source}.` : "";
  const words = el("span", { id: `${id}-why`, class: "unseen", text: worded(`${row.explained || row.help || ""}${from}`) });
  const show = () => bubble.at(ask, words.textContent);
  const ask = button("?", show, { class: "why", "aria-label": `What is ${titled(row)}?`,
    "aria-describedby": words.id, onmouseenter: show, onfocus: show, onmouseleave: () => bubble.hide(),
    onblur: () => bubble.hide() });
  return el("span", {}, ask, words);
};

// ----------------------------------------------------------------------------- controls

/** One setting: its name, its mark and way back where it is not at its default, its control, its error. */
export class Control {
  constructor(row, tell, editor = null) {
    this.row = row;
    const id = `c${(made += 1)}`;
    const told = (value, live) => { this.mark(value); tell(value, live); };
    this.made = editor ?? (row.choices.length ? choice : MAKERS[row.kind] ?? text)(row, id, told);
    this.error = el("p", { class: "error", id: `${id}-error`, hidden: true });
    this.back = button("↺", () => { this.made.show(row.default); told(null, false); this.made.inputs[0]?.focus(); },
      { class: "back", "aria-label": `Reset ${titled(row)}` });
    this.el = el("div", { class: `control${this.made.beside ? " beside" : ""}`, "data-setting": row.name },
      this.head(id), this.made.el, this.error);
    if (this.made.group || editor) {
      this.made.el.setAttribute("role", "group");
      this.made.el.setAttribute("aria-labelledby", `${id}-name`);
    }
    this.made.inputs.forEach((input) => input.setAttribute("aria-describedby", `${id}-why ${id}-error`));
  }

  head(id) {
    const { row } = this, own = this.made.inputs.some((input) => input.id === id);
    const name = el(own ? "label" : "span", { class: "name", id: `${id}-name`, ...(own ? { for: id } : {}) },
      titled(row));
    if (row.symbol && row.symbol !== row.name) name.append(" ", lettered(row.symbol));
    const unit = row.unit && !titled(row).includes(row.unit) ? el("span", { class: "unit", text: row.unit, title: row.unit }) : null;
    return el("div", { class: "head" }, name, unit, why(row, id), this.back);
  }

  mark(value) {
    const changed = !isDefault(this.row, value);
    if (this.changed !== changed) this.el.classList.toggle("changed", (this.changed = changed));
  }

  show(value) {
    this.made.show(value ?? this.row.default);
    this.mark(value);
  }

  fail(message) {
    const failed = Boolean(message);
    this.error.hidden = !failed;
    say(this.error, worded(message || ""));
    this.made.inputs.forEach((input) => {
      if (failed) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    });
  }
}

/** All controls of a desk, in its groups. */
export class Panel {
  /** `changed(name, value, live)`; `editorFor` makes the control of a row that names parts of a table, or null. */
  constructor(host, desk, { changed, editorFor }) {
    Object.assign(this, { host, desk, changed, editorFor, controls: new Map(), groups: [] });
    host.replaceChildren(...desk.groups.map((group) => this.group(group)));
  }

  group(group) {
    const count = el("span", { class: "count" }), body = el("div", { class: "rows" });
    const summary = el("summary", {}, el("h2", { text: group.title || "Settings" }), count);
    group.rows.forEach((row) => body.append(this.control(row).el));
    this.groups.push({ count, names: group.rows.map((row) => row.name) });
    return el("details", { class: "group", open: group.open }, summary, body);
  }

  control(row) {
    const tell = (value, live) => this.changed(row.name, value, live);
    const made = new Control(row, tell, row.of ? this.editorFor(row, tell) : null);
    this.controls.set(row.name, made);
    return made;
  }

  update(values) {
    for (const [name, control] of this.controls) control.show(values.get(name) ?? null);
    this.counts(values);
  }

  counts(values) {
    for (const { count, names } of this.groups) {
      const changed = names.filter((name) => values.has(name)).length;
      say(count, changed ? `${changed} changed` : "");
    }
  }

  /** Make the controls anew that name parts of tables: the tables are others. */
  tables(values) {
    for (const [name, control] of this.controls) {
      if (!control.row.of) continue;
      const next = this.control(control.row);
      control.el.replaceWith(next.el);
      next.show(values.get(name) ?? null);
    }
  }

  /** Show an error at the control it names, its group opened; returns whether there is one. */
  fail(name, message) {
    const control = this.controls.get(name);
    control?.fail(message);
    const group = control?.el.closest("details");
    if (message && group) group.open = true;
    return Boolean(control);
  }

  /** Go to a control, its group opened. */
  goTo(name) {
    const { el: host } = this.controls.get(name), group = host.closest("details");
    if (group) group.open = true;
    host.scrollIntoView({ block: "center", behavior: "instant" });
    host.querySelector("input, select, button:not(.why, .back)")?.focus({ preventScroll: true });
  }

  calm() { for (const control of this.controls.values()) if (!control.error.hidden) control.fail(""); }
}
