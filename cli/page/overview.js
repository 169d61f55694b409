// SPDX-License-Identifier: GPL-2.0-or-later
// What the resets have in common: totals, matrices, captures.
"use strict";

function allRows() {
  return Array.from({length: report.count}, (_, i) => i);
}

function sum(items, key) {
  return items.reduce((total, item) => total + (item[key] ?? 0), 0);
}

function showTotals(place) {
  const connections = sum(report.captures, "connections");
  const withResets = sum(report.connections, "withResets");
  const counted = sum(report.connections, "count");
  const senders = new Map(countBy(allRows(), (row) => valueOf("sender", row)));
  const resets = sum(report.captures, "resets");
  const tiles = [
    [numberText(resets), resets === 1 ? "reset" : "resets"],
    [numberText(connections), connections === 1 ? "connection" : "connections"],
    [percentText(withResets, counted), "of the connections had a reset"],
    ...["client", "server", "middlebox", "unknown"].filter((sender) => senders.has(sender)).map((sender) => [
      numberText(senders.get(sender)),
      {client: "sent by clients", server: "sent by servers", middlebox: "forged on the way",
       unknown: "by an unknown sender"}[sender]]),
  ].filter(([figure]) => figure !== "");
  place.replaceChildren(...tiles.map(([figure, text]) => make("li", {}, make("b", {}, figure), make("span", {}, text))));
}

function showSpan(place) {
  const first = report.captures.map((capture) => capture.first_time).filter(Boolean).sort()[0];
  const last = report.captures.map((capture) => capture.last_time).filter(Boolean).sort().at(-1);
  const count = report.captures.length;
  const text = (time) => time.slice(0, 19).replace("T", " ");
  const what = count === 1 ? report.captures[0].file : `${numberText(count)} captures`;
  place.textContent = first ? `${what}, ${text(first)} to ${text(last)} UTC` : what;
}

// What must be known to read the rest aright.
function showNotes(place) {
  const [resets, connections] = report.omitted;
  const failed = report.captures.filter((capture) => capture.error);
  const all = sum(report.captures, "resets");
  const filtered = all - report.count - resets;
  const notes = [
    resets && `Too many resets for one page: the chart, the tables and the list hold the first `
      + `${numberText(report.count)} of ${numberText(report.count + resets)}.`,
    connections && `${numberText(connections)} connections are not counted by server and JA4: there were too many `
      + `different ones.`,
    filtered > 0 && `The report was made with filters: ${numberText(filtered)} of ${numberText(all)} resets are left out.`,
    report.duplicates && `${numberText(report.duplicates)} resets were captured twice and count once.`,
    ...report.losses.map(([key, text]) => sum(report.captures, key) && `${numberText(sum(report.captures, key))} ${text}.`),
    ...report.bounds.flatMap((bounds) => [
      bounds.given_up && `${numberText(bounds.given_up)} times an endpoint, client or name had no room in the diagnosis.`,
      bounds.findings_left_out && `${numberText(bounds.findings_left_out)} more findings had no room.`]),
    ...failed.slice(0, 10).map((capture) => `${capture.file}: ${capture.error}`),
    failed.length > 10 && `${failed.length - 10} more captures were not or not wholly read.`,
  ].filter(Boolean);
  place.replaceChildren(...notes.map((text) => make("p", {class: "note"}, text)));
}

// A table of numbers whose shade is their share of `whole(row)`. cell(row, column): {count, go}
function makeMatrix(corner, rows, columns, cell, whole) {
  const head = make("tr", {}, make("th", {scope: "col"}, corner),
    ...columns.map((column) => make("th", {scope: "col", class: column.total ? "number total" : "number",
                                           title: column.help}, column.title)));
  const body = rows.map((row) => make("tr", {}, make("th", {scope: "row", class: row.code ? "code" : null}, row.title),
    ...columns.map((column) => matrixCell(row, column, cell(row, column), whole(row)))));
  return make("div", {class: "scroll"},
    make("table", {class: "matrix"}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function matrixCell(row, column, {count, go}, whole) {
  const td = make("td", {class: "number"});
  if (count && !column.total) {
    td.style.background = `rgba(var(--heat), ${(0.06 + 0.5 * Math.sqrt(count / Math.max(1, whole))).toFixed(3)})`;
  }
  if (count && go) {
    td.append(make("button", {type: "button", onclick: go,
      "aria-label": `${numberText(count)}: ${row.title}, ${column.title}; show these resets`}, numberText(count)));
  } else {
    td.append(make("span", {class: count ? null : "none"}, count ? numberText(count) : "\u00b7"));
  }
  return td;
}

function makeOriginMatrix() {
  const rows = allRows();
  const counts = new Map(countBy(rows, (row) => `${valueOf("origin", row)} ${valueOf("cause", row)}`));
  const origins = countBy(rows, (row) => valueOf("origin", row));
  const causes = countBy(rows, (row) => valueOf("cause", row));
  return makeMatrix("", origins.map(([title, count]) => ({title, count})),
    [{title: "all", total: true}, ...causes.map(([title]) => ({title}))],
    (row, column) => column.total
      ? {count: row.count, go: () => filter.only({origin: row.title})}
      : {count: counts.get(`${row.title} ${column.title}`) ?? 0,
         go: () => filter.only({origin: row.title, cause: column.title})},
    () => report.count);
}

const FINGERPRINTS_SHOWN = 15;
const SCOPES_SHOWN = 200;

const OUTCOMES = [
  {title: "all", total: true, help: "Connections with a ClientHello of this JA4"},
  {title: "reset in TLS", help: "Resets that hit the TLS handshake"},
  {title: "reset", close: "rst", help: "Connections that ended by a reset without any FIN"},
  {title: "FIN, reset", close: "fin-then-rst", help: "Connections that ended by a reset after a FIN"},
  {title: "FIN", close: "fin", help: "Closed by both sides in order"},
  {title: "no end seen", close: "open"},
];

// Servers and names with TLS clients, those with most connections first: what the matrix can be limited to.
function fingerprintScopes() {
  const counts = new Map();
  for (const {server, sni, ja4, count} of report.connections) {
    for (const [name, value] of ja4 ? [["server", server], ["sni", sni]] : []) {
      const key = JSON.stringify({[name]: value});
      counts.set(key, (counts.get(key) ?? 0) + (value ? count : 0));
    }
  }
  return [...counts].filter(([, count]) => count).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, SCOPES_SHOWN);
}

// Rows of the matrix: what is known of each JA4 within `scope`, a server or a name, or everywhere.
function fingerprints(scope) {
  const found = new Map();
  const of = (ja4) => {
    if (!found.has(ja4)) {
      found.set(ja4, {title: ja4, code: true, scope, connections: 0, inTls: 0, closes: {}});
    }
    return found.get(ja4);
  };
  const inScope = Object.entries(scope);
  for (const group of report.connections) {
    if (group.ja4 && inScope.every(([name, value]) => group[name] === value)) {
      of(group.ja4).connections += group.count;
      of(group.ja4).closes[group.close] = (of(group.ja4).closes[group.close] ?? 0) + group.count;
    }
  }
  for (let row = 0; row < report.count; row++) {
    const ja4 = valueOf("ja4", row);
    if (ja4 && valueOf("origin", row) === "tls-phase" && inScope.every(([name, value]) => valueOf(name, row) === value)) {
      of(ja4).inTls++;
    }
  }
  return [...found.values()].sort((a, b) => b.inTls - a.inTls || b.connections - a.connections
    || (a.title < b.title ? -1 : 1));
}

function fingerprintCell(row, column) {
  if (column.total) {
    return {count: row.connections, go: null};
  }
  if (column.close) {
    const resets = column.close === "rst" || column.close === "fin-then-rst";
    return {count: row.closes[column.close] ?? 0, go: resets ? () => filter.only({...row.scope, ja4: row.title}) : null};
  }
  return {count: row.inTls, go: () => filter.only({...row.scope, ja4: row.title, origin: "tls-phase"})};
}

function showFingerprints(section) {
  const scopes = fingerprintScopes();
  const place = make("div");
  const show = (scope, count) => {
    const rows = fingerprints(scope);
    place.replaceChildren(makeMatrix("JA4", rows.slice(0, count), OUTCOMES, fingerprintCell, (row) => row.connections));
    if (count < rows.length) {
      place.append(make("button", {type: "button", onclick: () => show(scope, rows.length)},
        `Show all ${numberText(rows.length)}`));
    }
  };
  if (!scopes.length) {
    section.append(make("p", {}, "No connection had a complete ClientHello."));
    return;
  }
  const select = make("select", {id: "scope"}, make("option", {value: "{}"}, "everywhere"), ...scopes.map(([scope, count]) =>
    make("option", {value: scope}, `${Object.values(JSON.parse(scope))[0]} (${numberText(count)})`)));
  select.addEventListener("change", () => show(JSON.parse(select.value), FINGERPRINTS_SHOWN));
  show({}, FINGERPRINTS_SHOWN);
  section.append(make("label", {class: "search"}, "Connections to", select), place);
}

function showCaptures(section) {
  const number = (title, name) => ({title, number: true, value: (item) => item[name], text: (item) => numberText(item[name])});
  const skipped = (item) => Object.entries(item.skipped).map(([reason, count]) => `${reason}: ${numberText(count)}`).join(", ");
  const table = new Table([
    {title: "Capture", value: (item) => item.file, wide: true, node: (item) => make("button", {type: "button", class: "plain",
      "aria-label": `Show the resets of ${item.file}`, onclick: () => filter.only({file: item.file})}, item.file)},
    number("Packets", "packets"), number("TCP segments", "tcp_segments"), number("Connections", "connections"),
    number("Resets", "resets"),
    {title: "From (UTC)", value: (item) => item.first_time ?? "", text: (item) => (item.first_time ?? "").slice(0, 19).replace("T", " ")},
    {title: "To (UTC)", value: (item) => item.last_time ?? "", text: (item) => (item.last_time ?? "").slice(0, 19).replace("T", " ")},
    {title: "Not analysed", value: skipped, wide: true},
    {title: "Problem", value: (item) => item.error ?? "", wide: true},
  ], {pageSize: 25, empty: "None."});
  table.setItems(report.captures);
  section.append(table.element);
}
