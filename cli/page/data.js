// SPDX-License-Identifier: GPL-2.0-or-later
// The data that the page holds, as columns. libanalysis/report/html.h describes it.
"use strict";

// Each string once; 0 is the empty one. Columns of text hold indexes into it.
const strings = [""];
const stringIds = new Map([["", 0]]);

function intern(text) {
  let id = stringIds.get(text);
  if (id === undefined) {
    id = strings.push(text) - 1;
    stringIds.set(text, id);
  }
  return id;
}

// The writer's dictionary, kept in step with it.
class Dictionary {
  constructor(size) {
    this.size = size;
    this.clear();
  }

  clear() {
    this.ids = [0];
  }

  read(value) {
    if (typeof value === "number") {
      return this.ids[value];
    }
    const id = intern(value);
    if (this.ids.length > this.size) {
      this.clear();
    }
    this.ids.push(id);
    return id;
  }
}

const report = readReport();

function readReport() {
  const [header, ...elements] = JSON.parse(document.getElementById("data").textContent);
  const rows = elements.filter((element) => typeof element[0] === "number");
  const made = {
    version: header.version, fields: [], columns: {}, count: 0, duplicates: 0,
    connections: [], captures: [], findings: [], endpoints: [], bounds: [], omitted: [0, 0],
    losses: Object.entries(header.losses),
  };
  for (const [name, type, title, help] of header.fields) {
    made.fields.push({name, type, title, help});
    made.columns[name] = type === "text" ? new Int32Array(rows.length) : new Array(rows.length);
  }
  made.columns.file = new Int32Array(rows.length);
  made.columns.other_files = new Array(rows.length);
  readElements(made, elements, new Dictionary(header.dictionary));
  addEnds(made);
  return made;
}

function readElements(made, elements, dictionary) {
  const duplicateOf = made.fields.findIndex((field) => field.name === "duplicate_of");
  let file = 0;
  for (const element of elements) {
    if (!Array.isArray(element)) {
      ({file: made.captures, finding: made.findings, endpoint: made.endpoints,
        bounds: made.bounds})[element.type]?.push(element);
    } else if (typeof element[0] === "number") {
      const copy = readRow(made, element, dictionary, made.count);
      made.columns.file[made.count] = file;
      // A reset captured twice counts once: the next row takes its place.
      if (copy[duplicateOf] !== undefined && copy[duplicateOf] !== null) {
        made.duplicates++;
      } else {
        made.count++;
      }
    } else if (element[0] === "file") {
      file = intern(element[1]);
      dictionary.clear();
    } else if (element[0] === "connections") {
      const [, ip, port, sni, ja4, close, count, withResets] = element;
      made.connections.push({server: endText(ip, port), sni, ja4, close, count, withResets});
    } else if (element[0] === "omitted") {
      made.omitted[0] += element[1];
      made.omitted[1] += element[2];
    }
  }
}

function readRow(made, row, dictionary, at) {
  const last = row[row.length - 1];
  const named = last !== null && typeof last === "object" && !Array.isArray(last);
  const values = named ? row.slice(0, -1) : row;
  made.columns.other_files[at] = named ? last : null;
  made.fields.forEach((field, i) => {
    const column = made.columns[field.name];
    const value = i < values.length ? values[i] : null;
    if (field.type === "text") {
      column[at] = value === null || value === 0 ? 0 : dictionary.read(value);
    } else if (field.type === "list") {
      column[at] = value === null ? [] : value.map((item) => dictionary.read(item));
    } else {
      column[at] = value;
    }
  });
  return values;
}

function endText(ip, port) {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

// Two columns that fields do not have: each end of the connection as one text.
function addEnds(made) {
  for (const side of ["client", "server"]) {
    const ends = new Int32Array(made.count);
    for (let i = 0; i < made.count; i++) {
      ends[i] = intern(endText(strings[made.columns[`${side}_ip`][i]], made.columns[`${side}_port`][i]));
    }
    made.columns[side] = ends;
  }
}

// A column's value in row `at`; text columns give text.
function valueOf(name, at) {
  const column = report.columns[name];
  return column instanceof Int32Array ? strings[column[at]] : column[at];
}

function timeText(microseconds) {
  const date = new Date(Math.floor(microseconds / 1000));
  const fraction = String(((microseconds % 1e6) + 1e6) % 1e6).padStart(6, "0");
  return `${date.toISOString().slice(0, 19).replace("T", " ")}.${fraction}`;
}

const grouped = new Intl.NumberFormat("en");

function numberText(number) {
  return grouped.format(number);
}

// "1 reset", "2 resets".
function countText(number, one, many = `${one}s`) {
  return `${numberText(number)} ${number === 1 ? one : many}`;
}

function percentText(part, whole) {
  return whole ? `${(100 * part / whole).toFixed(1)} %` : "";
}

// Counts of the values that `key` gives for the rows of `rows`, most frequent first.
function countBy(rows, key) {
  const counts = new Map();
  for (const row of rows) {
    const value = key(row);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

// An element with attributes ("class", "on..." as listeners) and children; text is never markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (value !== false && value !== undefined && value !== null) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
