// SPDX-License-Identifier: GPL-2.0-or-later
// What is shown of the resets: one filter for the chart and the list.
"use strict";

// Values of columns that rows must have, and what else may be asked for.
const FILTER_COLUMNS = {
  origin: "Origin", cause: "Cause", sender: "Sent by", confidence: "Confidence", server: "Server",
  sni: "Server name", ja4: "JA4", client: "Client", client_ip: "Client address",
  server_ip: "Server address", file: "Capture",
};

const filter = {
  columns: {},            // name -> text
  text: "",
  from: null, to: null,   // microseconds
  rows: null,             // {label, set}: those of a finding
  visible: null,          // the rows that pass
  listeners: [],

  set(changes) {
    Object.assign(this, changes);
    this.visible = filteredRows();
    this.listeners.forEach((listener) => listener());
  },

  setColumn(name, value) {
    const columns = {...this.columns};
    if (value) {
      columns[name] = value;
    } else {
      delete columns[name];
    }
    this.set({columns});
  },

  // Shows these and nothing else, and brings the list into view.
  only(columns, rows = null) {
    this.set({columns, rows, text: "", from: null, to: null});
    const list = document.getElementById("resets");
    list.scrollIntoView({block: "start"});
    list.focus({preventScroll: true});
  },
};

// Whether each string contains `text`, ignoring case.
function stringsWith(text) {
  const wanted = text.toLowerCase();
  return Uint8Array.from(strings, (string) => string.toLowerCase().includes(wanted) ? 1 : 0);
}

// A predicate for the text searched for: any word in any text of the row, or its frame number.
function textPredicate(text) {
  const found = stringsWith(text);
  const columns = ["client", "server", "file",
                   ...report.fields.filter((f) => f.type === "text").map((f) => f.name)]
    .map((name) => report.columns[name]);
  const lists = report.fields.filter((f) => f.type === "list").map((f) => report.columns[f.name]);
  const frames = report.columns.frame;
  return (row) => String(frames[row]) === text
    || columns.some((column) => found[column[row]])
    || lists.some((column) => column[row].some((id) => found[id]));
}

function filteredRows() {
  const tests = [];
  for (const [name, value] of Object.entries(filter.columns)) {
    const column = report.columns[name];
    const id = stringIds.get(value) ?? -1;
    tests.push((row) => column[row] === id);
  }
  if (filter.rows) {
    tests.push((row) => filter.rows.set.has(row));
  }
  if (filter.from !== null) {
    const times = report.columns.time;
    tests.push((row) => times[row] >= filter.from && times[row] <= filter.to);
  }
  if (filter.text) {
    tests.push(textPredicate(filter.text));
  }
  const passed = [];
  for (let row = 0; row < report.count; row++) {
    if (tests.every((test) => test(row))) {
      passed.push(row);
    }
  }
  return passed;
}

filter.visible = filteredRows();

// The form above the list: a search, and choices with how many resets each has.
function makeFilterForm(form) {
  const search = make("input", {type: "search", id: "search", autocomplete: "off", spellcheck: "false"});
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => filter.set({text: search.value.trim()}), 150);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.append(make("label", {}, "Search addresses, names, JA4, evidence", search));
  const choices = ["origin", "cause", "sender", "confidence"].map((name) => {
    const select = make("select", {id: `filter-${name}`}, make("option", {value: ""}, "Any"));
    const rows = Array.from({length: report.count}, (_, i) => i);
    for (const [value, count] of countBy(rows, (row) => valueOf(name, row))) {
      select.append(make("option", {value}, `${value} (${numberText(count)})`));
    }
    select.addEventListener("change", () => filter.setColumn(name, select.value));
    form.append(make("label", {}, FILTER_COLUMNS[name], select));
    return [name, select];
  });
  form.append(make("button", {type: "button", id: "clear", onclick: () => filter.set(
    {columns: {}, text: "", from: null, to: null, rows: null})}, "Show all"));
  filter.listeners.push(() => {
    choices.forEach(([name, select]) => { select.value = filter.columns[name] ?? ""; });
    if (document.activeElement !== search) {
      search.value = filter.text;
    }
  });
}

// A button for each filter in force, which takes it away.
function showChips(place) {
  const chips = Object.entries(filter.columns)
    .map(([name, value]) => [`${FILTER_COLUMNS[name]}: ${value}`, () => filter.setColumn(name, "")]);
  if (filter.rows) {
    chips.push([filter.rows.label, () => filter.set({rows: null})]);
  }
  if (filter.text) {
    chips.push([`Contains: ${filter.text}`, () => filter.set({text: ""})]);
  }
  if (filter.from !== null) {
    chips.push([`${timeText(filter.from).slice(0, 23)} to ${timeText(filter.to).slice(11, 23)}`,
                () => filter.set({from: null, to: null})]);
  }
  place.replaceChildren(...chips.map(([text, remove]) => make(
    "button", {type: "button", onclick: remove, "aria-label": `Remove the filter ${text}`}, `${text} \u00d7`)));
}
