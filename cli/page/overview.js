// SPDX-License-Identifier: GPL-2.0-or-later
// What the resets have in common: totals, matrices, servers, captures.
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
  const tiles = [
    [numberText(sum(report.captures, "resets")), "resets"],
    [numberText(connections), "connections"],
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
    sum(report.captures, "evicted") && `${numberText(sum(report.captures, "evicted"))} connections were given up to `
      + `save memory.`,
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

const OUTCOMES = [
  {title: "all", total: true, help: "Connections with a ClientHello of this JA4"},
  {title: "reset in TLS", help: "Resets that hit the TLS handshake"},
  {title: "reset", close: "rst", help: "Connections that ended by a reset without any FIN"},
  {title: "FIN, reset", close: "fin-then-rst", help: "Connections that ended by a reset after a FIN"},
  {title: "FIN", close: "fin", help: "Closed by both sides in order"},
  {title: "no end seen", close: "open"},
];

function fingerprints() {
  const found = new Map();
  const of = (ja4) => {
    if (!found.has(ja4)) {
      found.set(ja4, {title: ja4, code: true, connections: 0, inTls: 0, closes: {}});
    }
    return found.get(ja4);
  };
  for (const {ja4, close, count} of report.connections) {
    if (ja4) {
      of(ja4).connections += count;
      of(ja4).closes[close] = (of(ja4).closes[close] ?? 0) + count;
    }
  }
  for (let row = 0; row < report.count; row++) {
    const ja4 = valueOf("ja4", row);
    if (ja4 && valueOf("origin", row) === "tls-phase") {
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
    return {count: row.closes[column.close] ?? 0, go: resets ? () => filter.only({ja4: row.title}) : null};
  }
  return {count: row.inTls, go: () => filter.only({ja4: row.title, origin: "tls-phase"})};
}

function showFingerprints(section) {
  const rows = fingerprints();
  const place = make("div");
  const show = (count) => {
    place.replaceChildren(makeMatrix("JA4", rows.slice(0, count), OUTCOMES, fingerprintCell, (row) => row.connections));
    if (count < rows.length) {
      place.append(make("button", {type: "button", onclick: () => show(rows.length)}, `Show all ${numberText(rows.length)}`));
    }
  };
  if (rows.length) {
    show(FINGERPRINTS_SHOWN);
  } else {
    place.append(make("p", {}, "No connection had a complete ClientHello."));
  }
  section.append(place);
}

function servers() {
  const found = new Map();
  for (const {server, sni, close, count, withResets} of report.connections) {
    if (!found.has(server)) {
      found.set(server, {server, names: new Set(), connections: 0, withResets: 0, closes: {}, resets: 0});
    }
    const entry = found.get(server);
    entry.connections += count;
    entry.withResets += withResets;
    entry.closes[close] = (entry.closes[close] ?? 0) + count;
    if (sni) {
      entry.names.add(sni);
    }
  }
  for (const entry of found.values()) {
    const names = [...entry.names].sort();
    entry.name = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
    entry.search = `${entry.server} ${names.join(" ")}`;
  }
  return [...found.values()];
}

function showServers(section) {
  const items = servers();
  const close = (title, name) => ({
    title, number: true, value: (item) => item.closes[name] ?? 0,
    text: (item) => item.closes[name] ? numberText(item.closes[name]) : "",
  });
  const table = new Table([
    {title: "Server", value: (item) => item.server, node: (item) => make("button", {type: "button", class: "plain",
      "aria-label": `Show the resets of ${item.server}`, onclick: () => filter.only({server: item.server})}, item.server)},
    {title: "Server names", value: (item) => item.name, wide: true},
    {title: "Connections", number: true, value: (item) => item.connections, text: (item) => numberText(item.connections)},
    {title: "With resets", number: true, value: (item) => item.withResets, text: (item) => numberText(item.withResets)},
    {title: "Share", number: true, value: (item) => item.withResets / item.connections,
     text: (item) => percentText(item.withResets, item.connections)},
    close("Refused", "refused"), close("Reset", "rst"), close("FIN, then reset", "fin-then-rst"), close("FIN", "fin"),
    close("No end seen", "open"),
  ], {pageSize: 15, sort: {column: 3, descending: true}, empty: "No server matches."});
  table.setItems(items);
  section.append(makeSearch("Search servers", table, items, (item) => item.search), table.element);
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
