// Dialogs of the page: settings loaded from a paste or a file, and the list of keys.

import { button, dialog, el } from "./dom.js";
import { readFile } from "./settings.js";

const KEYS = [
  ["Tab", "on to the next control; Shift goes back"],
  ["← →", "in the tabs: the desk beside; on a slider: a step; on a picture: along its figures"],
  ["Page ↑ Page ↓", "on a slider: ten steps"],
  ["Home End", "the first and the last; on a picture Home shows all of it again"],
  ["+ −", "on a picture: closer and farther"],
  ["Space", "on a picture: start and end of a choice; on buttons: press"],
  ["Enter", "open what stands under the mark; add an entry to a list"],
  ["Backspace", "in an empty entry of a list: remove the last"],
  ["Esc", "close what is open; on a picture: drop the choice"],
  ["Alt ←", "undo the last change of settings (the browser's back)"],
  ["?", "this list"],
];

export const showKeys = () => dialog("Keys", el("dl", { class: "keys" }, ...KEYS.map(([key, does]) =>
  el("div", { class: "fact" }, el("dt", {}, el("kbd", { text: key })), el("dd", { text: does })))));

/** Ask for settings as text, a file, or a file dropped; `taken(desk, settings)` has them; it returns what is wrong. */
export const askSettings = (taken) => {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const area = el("textarea", { class: "paste", rows: "9", spellcheck: "false", "aria-label": "Settings as JSON",
    placeholder: "Paste what “Copy settings” gave, or a file of settings" });
  const several = el("div", { class: "several" });
  const fail = (message) => { error.textContent = message; error.hidden = !message; };
  const finish = (desk, settings) => {
    const wrong = taken(desk, settings);
    if (wrong) fail(wrong); else made.close();
  };
  const take = (text) => {
    const found = readFile(text);
    several.replaceChildren();
    fail(found.error ?? "");
    if (found.error) return;
    if (found.several.length === 1) finish(found.desk, found.several[0][1]);
    else several.append(...groups(found, finish));
  };
  const read = async (file) => {
    if (!file) return;
    if (file.size > 1 << 20) { fail("This file is larger than 1 MB: it is not one of settings."); return; }
    area.value = await file.text();
    take(area.value);
  };
  const file = el("input", { type: "file", accept: ".json,application/json", "aria-label": "A file of settings",
    onchange: () => read(file.files[0]) });
  const made = dialog("Load settings", area, el("div", { class: "row" },
    button("Load", () => take(area.value), { class: "main" }), file), error, several);
  made.addEventListener("dragover", (event) => event.preventDefault());
  made.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    read(event.dataTransfer.files[0]);
  });
  area.focus();
};

/** Return the question which group of several is meant. */
const groups = ({ desk, several }, finish) => {
  const labels = several.map(([label], k) => el("option", { value: k, text: label }));
  const pick = el("select", { "aria-label": "Group" }, ...labels);
  return [el("p", { text: "This file holds settings of several groups. Which one?" }), el("div", { class: "row" }, pick,
    button("Take this group", () => finish(desk, several[Number(pick.value)][1]), { class: "main" }))];
};

/** Say something that can be closed again. */
export const note = (host, text) => {
  const made = el("div", { class: "note-bar" }, el("span", { text }),
    button("Close", () => made.remove(), { class: "quiet" }));
  host.append(made);
};
