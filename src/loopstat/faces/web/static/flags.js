// What a text calls by its flag of the command line is called as its control is here.

import { titled } from "./settings.js";

const FLAG = /--([a-z][a-z0-9-]*)(?:[ =][A-Z][A-Z,=_]*\b)?/g;
let called = new Map(); // what stands behind a flag's dashes to its row

/** From now on these rows are the settings that texts may speak of. */
export const speakOf = (rows) => {
  called = new Map([...rows.values()].map((row) => [row.name.replaceAll("_", "-"), row]));
};

/** Return a text in which settings are called as their controls are. */
export const worded = (text) => (!text?.includes("--") ? text
  : text.replace(FLAG, (flag, name) => (called.has(name) ? `“${titled(called.get(name))}”` : flag)));

/** Return the rows that a text speaks of. */
export const spokenOf = (text) => [...new Set([...text.matchAll(FLAG)].map(([, name]) => called.get(name)))].filter(Boolean);
