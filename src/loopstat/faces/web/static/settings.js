// Values of settings: read from text and JSON as their rows take them, compared with defaults, written to files.

export const SCHEMA = "loopstat.view/1";
const MOST = 1 << 20; // characters of a settings file

export const titled = (row) => row.label || row.name.replaceAll("_", " ");

export const same = (a, b) =>
  a === b || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, k) => v === b[k]));

/** Return whether a value is what the row takes unless asked. */
export const isDefault = (row, value) =>
  value === null || value === undefined || value === "" || same(value, row.default) ||
  (Array.isArray(value) && !value.length && !row.default) || (row.kind === "flag" && !value && !row.default);

const asNumber = (value) => {
  if (typeof value !== "number" && (typeof value !== "string" || !value.trim())) return undefined;
  return Number.isFinite(Number(value)) ? Number(value) : undefined;
};

const asList = (row, value) => {
  const plain = (v) => typeof v === "string" || typeof v === "number";
  if (Array.isArray(value)) return value.every(plain) ? value.map(String) : undefined;
  if (value && typeof value === "object") {
    const pairs = Object.entries(value);
    return row.kind === "pairs" && pairs.every(([, v]) => plain(v)) ? pairs.map(([k, v]) => `${k}=${v}`) : undefined;
  }
  return plain(value) ? String(value).split(row.kind === "list" ? "," : "\n").filter(Boolean) : undefined;
};

const READ = {
  number: (row, value) => asNumber(value),
  choice: (row, value) => (row.choices.includes(value) ? value : undefined),
  flag: (row, value) => ({ true: true, false: false })[String(value)],
  list: asList,
  pairs: asList,
  text: (row, value) => (["string", "number"].includes(typeof value) ? String(value) : undefined),
};
READ.switch = READ.flag;

/** Return a value as its row takes it, null for the default, undefined where it cannot be read. */
export const readValue = (row, value) => {
  if (value === null || value === undefined) return null;
  const read = (row.choices.length ? READ.choice : READ[row.kind] ?? READ.text)(row, value);
  return read !== undefined && isDefault(row, read) ? null : read;
};

/** Return the rows of a desk by name. */
export const rowsOf = (desk) => new Map(desk.groups.flatMap((group) => group.rows.map((row) => [row.name, row])));

/** Read pairs of names and values; what no row knows, or cannot take, is named. */
export const readAll = (rows, pairs) => {
  const values = new Map(), unknown = [], unread = [];
  for (const [name, value] of pairs) {
    const row = rows.get(name);
    if (!row) { unknown.push(name); continue; }
    const read = readValue(row, value);
    if (read === undefined) unread.push(name);
    else if (read !== null) values.set(name, read);
  }
  return { values, unknown, unread };
};

/** Return what was left out of given settings in words, or nothing. */
export const leftOut = ({ unknown, unread }) => {
  const said = [];
  if (unknown.length) said.push(`not known here and left out: ${unknown.map(shortened).join(", ")}`);
  if (unread.length) said.push(`not readable and left at the default: ${unread.map(shortened).join(", ")}`);
  return said.join("; ");
};
const shortened = (name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name) || "(no name)";

/** Return whether two maps of settings say the same. */
export const sameValues = (a, b) => a.size === b.size && [...a].every(([name, value]) => same(value, b.get(name)));

/** Return settings as one text, whatever their order. */
export const keyOf = (values) => JSON.stringify([...values].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Return what a preset sets: its values that are not defaults, over what is set or over nothing. */
export const laid = (rows, preset, values) => {
  const made = new Map(preset.over ? values : []);
  for (const [name, value] of Object.entries(preset.values)) {
    const row = rows.get(name), read = row && readValue(row, value);
    if (read === null) made.delete(name);
    else if (read !== undefined) made.set(name, read);
  }
  return made;
};

/** Return the presets that stand as they were loaded: alone, or with one that is laid over them. */
export const loaded = (desk, rows, values) => {
  const over = desk.presets.filter((p) => p.over && sameValues(laid(rows, p, values), values));
  const whole = desk.presets.filter((p) => !p.over && [null, ...over].some((o) => {
    const alone = laid(rows, p, new Map());
    return sameValues(o ? laid(rows, o, alone) : alone, values);
  }));
  return new Set([...over, ...whole]);
};

// ---------------------------------------------------------------------------------- files

export const written = (desk, values) =>
  `${JSON.stringify({ schema: SCHEMA, desk: desk.name, settings: Object.fromEntries(values) }, null, 1)}\n`;

const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

const groupsOf = (groups) => {
  const pairs = Array.isArray(groups)
    ? groups.map((g) => [isRecord(g) ? g.label : undefined, isRecord(g) ? g.settings : undefined])
    : Object.entries(isRecord(groups) ? groups : {});
  return pairs.filter(([label, settings]) => typeof label === "string" && isRecord(settings));
};

/** Read a settings file: its desk where it names one, one or several labelled sets of settings; or what is wrong. */
export const readFile = (text) => {
  if (text.length > MOST) return { error: "This file is larger than 1 MB: it is not one of settings." };
  let data;
  try { data = JSON.parse(text); } catch (error) {
    return { error: `This is not JSON: ${error.message}. Expected what “Copy settings” gives, or a file of settings.` };
  }
  const several = isRecord(data) ? groupsOf(data.groups) : [];
  if (isRecord(data) && isRecord(data.settings)) several.unshift(["", data.settings]);
  if (!several.length) return { error: "Here are no settings: expected JSON with `settings`, or `groups` of them." };
  const desk = data.schema === SCHEMA && typeof data.desk === "string" ? data.desk : null;
  return { desk, several: data.settings ? several.slice(0, 1) : several };
};
