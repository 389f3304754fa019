// What a text calls by its flag of the command line, or by its name in Python, is called as its control is here.

import { titled } from "./settings.js";

const FLAG = /--([a-z][a-z0-9-]*)(?:[ =][A-Z][A-Z,=_]*\b)?|`(\w+)`/g;
const behind = (flag, name) => called.get(flag ?? name.replaceAll("_", "-"));
let called = new Map(); // what stands behind a flag's dashes to its row

/** From now on these rows are the settings that texts may speak of. */
export const speakOf = (rows) => {
  called = new Map([...rows.values()].map((row) => [row.name.replaceAll("_", "-"), row]));
};

/** Return a text in which settings are called as their controls are. */
export const worded = (text) => {
  if (!text?.includes("--") && !text?.includes("`")) return text;
  return text.replace(FLAG, (said, flag, name) => {
    const row = behind(flag, name);
    return row ? `“${titled(row)}”` : said;
  });
};

/** Return the rows that a text speaks of. */
export const spokenOf = (text) =>
  [...new Set([...text.matchAll(FLAG)].map(([, flag, name]) => behind(flag, name)))].filter(Boolean);
