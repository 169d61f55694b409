// SPDX-License-Identifier: GPL-2.0-or-later
// The list of resets, and all that is known of one.
"use strict";

const RESET_COLUMNS = [
  {title: "Time (UTC)", value: (row) => report.columns.time[row], text: (row) => timeText(report.columns.time[row]).slice(0, 23)},
  {title: "Client", name: "client"},
  {title: "Server", name: "server"},
  {title: "Server name", name: "sni", wide: true},
  {title: "Origin", name: "origin"},
  {title: "Cause", name: "cause"},
  {title: "Sent by", name: "sender"},
  {title: "Confidence", name: "confidence",
   value: (row) => ["", "low", "medium", "high"].indexOf(valueOf("confidence", row))},
  {title: "JA4", name: "ja4", code: true},
  {title: "Frame", value: (row) => report.columns.frame[row], number: true},
].map((column) => ({
  value: (row) => valueOf(column.name, row),
  text: column.name ? (row) => valueOf(column.name, row) : undefined,
  help: report.fields.find((field) => field.name === column.name)?.help,
  ...column,
}));

// Shown elsewhere in the detail.
const NOT_LISTED = new Set(["evidence", "advice", "duplicate_of"]);

function makeResetTable() {
  const table = new Table(RESET_COLUMNS, {
    pageSize: 100, sort: {column: 0, descending: false}, detail: resetDetail,
    empty: "No reset passes the filters.",
  });
  const update = () => {
    const rows = filter.visible;
    table.caption.textContent = rows.length === report.count ? countText(report.count, "reset")
      : `${numberText(rows.length)} of ${countText(report.count, "reset")}`;
    table.setItems(rows);
  };
  filter.listeners.push(update);
  update();
  return table;
}

function fieldText(field, row) {
  const value = valueOf(field.name, row);
  if (value === null || value === undefined || value === "") {
    return "";
  }
  if (field.type === "time") {
    return timeText(value);
  }
  if (field.type === "seconds") {
    return `${value} s`;
  }
  if (field.type === "frame") {
    const other = report.columns.other_files[row]?.[field.name];
    return other ? `${value} of ${other}` : String(value);
  }
  return field.type === "integer" && !field.name.endsWith("_port") && field.name !== "stream"
    ? numberText(value) : String(value);
}

function resetDetail(row) {
  const fields = report.fields.filter((field) => !NOT_LISTED.has(field.name))
    .map((field) => [field, fieldText(field, row)]).filter(([, text]) => text !== "");
  const evidence = report.columns.evidence[row].map((id) => strings[id]);
  return make("div", {},
    make("p", {class: "advice"}, valueOf("advice", row)),
    evidence.length ? make("ul", {class: "evidence"}, ...evidence.map((text) => make("li", {}, text)))
      : make("p", {}, "No evidence speaks for a cause."),
    openCommand(valueOf("file", row), framesOf(row)),
    make("dl", {class: "fields"}, ...fields.map(([field, text]) => make("div", {title: field.help, class: text.length > 60 ? "long" : null},
      make("dt", {}, field.title), make("dd", {}, detailValue(field, row, text))))));
}

// Values that many resets may share lead to those.
function detailValue(field, row, text) {
  if (!(field.name in FILTER_COLUMNS)) {
    return text;
  }
  return make("button", {type: "button", class: "plain", "aria-label": `Only resets with ${field.title} ${text}`,
    onclick: () => filter.setColumn(field.name, valueOf(field.name, row))}, text);
}

// Frames of its own file that explain a reset.
function framesOf(row) {
  const other = report.columns.other_files[row] ?? {};
  const frames = ["syn_frame", "client_hello_frame", "trigger_frame", "frame"]
    .filter((name) => !(name in other)).map((name) => report.columns[name][row]);
  return [...new Set(frames.filter((frame) => frame))].sort((a, b) => a - b);
}

function quoteForShell(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function openCommand(file, frames) {
  const text = `tshark -2 -r ${quoteForShell(file)} -Y 'frame.number in {${frames.join(",")}}'`;
  return commandLine(text);
}

// A command with a button that copies it.
function commandLine(text) {
  const button = make("button", {type: "button"}, "Copy");
  const code = make("code", {}, text);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // pages from files may not be allowed to copy
    }
  });
  return make("div", {class: "command"}, code, button);
}
