// SPDX-License-Identifier: GPL-2.0-or-later
// What the connections together say: findings by rank, and the health of endpoints. docs/FINDINGS.md
// describes their fields.
"use strict";

const FINDINGS_SHOWN = 10;

function showFindings(section) {
  const list = section.querySelector("ol");
  const show = (count) => list.replaceChildren(...report.findings.slice(0, count).map(makeFinding));
  if (!report.findings.length) {
    list.replaceWith(make("p", {}, "None: nothing that several connections have in common stands out."));
    return;
  }
  show(FINDINGS_SHOWN);
  if (report.findings.length > FINDINGS_SHOWN) {
    const more = make("button", {type: "button"}, `Show all ${numberText(report.findings.length)}`);
    more.addEventListener("click", () => {
      show(report.findings.length);
      more.remove();
    });
    section.append(make("p", {}, more));
  }
}

function makeFinding(finding) {
  const facts = [finding.kind, `confidence ${finding.confidence}`, finding.sender && `sent by ${finding.sender}`,
                 finding.first_time && `from ${moment(finding.first_time)} to ${moment(finding.last_time)}`];
  return make("li", {class: finding.confidence},
    make("h3", {}, finding.text),
    make("p", {class: "facts"}, facts.filter(Boolean).join(" \u00b7 ")),
    finding.evidence?.length ? make("ul", {class: "evidence"}, ...finding.evidence.map((text) => make("li", {}, text))) : null,
    finding.advice ? make("p", {class: "advice"}, finding.advice) : null,
    makeLeads(finding),
    finding.open ? commandLine(finding.open) : null);
}

function moment(time) {
  return time.slice(0, 19).replace("T", " ");
}

// Buttons that lead from a finding to resets.
function makeLeads(finding) {
  const columns = findingColumns(finding);
  const examples = findingRows(finding);
  const buttons = [];
  if (Object.keys(columns).length && hasRows(columns)) {
    buttons.push(make("button", {type: "button", class: "lead", onclick: () => filter.only(columns)},
      `Show the resets of ${Object.values(columns).join(", ")}`));
  }
  if (examples.size) {
    buttons.push(make("button", {type: "button", class: "lead", onclick: () => filter.only({},
      {label: `Examples: ${finding.text}`, set: examples})}, `Show ${countText(examples.size, "example")}`));
  }
  return buttons.length ? make("p", {class: "buttons"}, ...buttons) : null;
}

// Whom it concerns, as values of columns. A server without a port is an address.
function findingColumns(finding) {
  const wanted = {client_ip: finding.client, sni: finding.sni, ja4: finding.ja4};
  if (finding.server) {
    wanted[stringIds.has(finding.server) && report.columns.server.includes(stringIds.get(finding.server))
      ? "server" : "server_ip"] = finding.server;
  }
  const columns = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
  // Causes that other connections show bear the finding's name.
  return hasRows({...columns, cause: finding.kind}) ? {...columns, cause: finding.kind} : columns;
}

function hasRows(columns) {
  const tests = Object.entries(columns).map(([name, value]) => [report.columns[name], stringIds.get(value) ?? -1]);
  for (let row = 0; row < report.count; row++) {
    if (tests.every(([column, id]) => column[row] === id)) {
      return true;
    }
  }
  return false;
}

// The resets among the frames that it names.
function findingRows(finding) {
  const file = stringIds.get(finding.frames_file) ?? -1;
  const frames = new Set(finding.frames ?? []);
  const rows = new Set();
  for (let row = 0; row < report.count; row++) {
    if (report.columns.file[row] === file && frames.has(report.columns.frame[row])) {
      rows.add(row);
    }
  }
  return rows;
}

const ENDPOINT_KINDS = {"": "All", server: "Servers", sni: "Server names", proxy: "Proxies"};

function shareText(share) {
  return share === undefined ? "" : `${(100 * share).toFixed(1)} %`;
}

function secondsText(seconds) {
  return seconds === undefined ? "" : seconds < 1 ? `${(1000 * seconds).toFixed(1)} ms` : `${seconds.toFixed(1)} s`;
}

function showEndpoints(section) {
  const count = (title, name, help) => ({title, help, number: true, value: (item) => item[name] ?? null,
    text: (item) => item[name] ? numberText(item[name]) : ""});
  const share = (title, name, help) => ({title, help, number: true, value: (item) => item[name] ?? null,
    text: (item) => shareText(item[name])});
  const table = new Table([
    {title: "Endpoint", value: (item) => item.name},
    {title: "Kind", value: (item) => item.kind},
    {title: "State", value: (item) => item.state ?? "", help: "The finding that describes it best"},
    count("Attempts", "attempts", "Connections of which the SYN was captured"),
    share("Handshakes", "handshake_rate", "Share of these whose handshake was completed"),
    count("Refused", "refused", "SYNs answered by a RST"),
    count("Unanswered", "unanswered", "SYNs without any answer"),
    count("Connections", "connections", "Established connections"),
    count("Resets", "resets", "Of these, reset in the server's name"),
    {title: "Rate", number: true, value: (item) => item.reset_rate ?? null, help: "Share of the two, and its 95 % interval",
     text: (item) => item.reset_rate === undefined ? ""
       : `${shareText(item.reset_rate)} (${(100 * item.rate_low).toFixed(1)}\u2013${(100 * item.rate_high).toFixed(1)})`},
    share("FIN", "fin_rate", "Share of orderly closes among those that ended"),
    {title: "SYN to RST", number: true, value: (item) => item.rst_time_median ?? null, text: (item) => secondsText(item.rst_time_median),
     help: "Median"},
    ...(report.endpoints.some((item) => item.kind === "proxy") ? [
      count("Proxy failed", "proxy_failed", "Proxies: connections that it refused, denied or failed itself"),
      count("Target failed", "target_failed", "Proxies: connections whose target could not be reached, or reset them")] : []),
  ], {pageSize: 15, empty: "No endpoint matches.", detail: endpointDetail});
  const search = make("input", {type: "search", autocomplete: "off", spellcheck: "false"});
  const kind = make("select", {}, ...Object.entries(ENDPOINT_KINDS).map(([value, text]) => make("option", {value}, text)));
  const update = () => table.setItems(report.endpoints.filter((item) => (!kind.value || item.kind === kind.value)
    && item.name.toLowerCase().includes(search.value.trim().toLowerCase())));
  search.addEventListener("input", update);
  kind.addEventListener("change", update);
  update();
  section.append(make("div", {class: "heading"}, make("label", {class: "search"}, "Search endpoints", search),
    make("label", {class: "search"}, "Kind", kind)), table.element);
}

// Everything known of it, and the way to its resets.
function endpointDetail(item) {
  const columns = item.kind === "sni" ? {sni: item.name} : {server: item.name};
  const entries = Object.entries(item).filter(([name, value]) => value !== 0 && !["type", "name", "kind"].includes(name));
  const text = (name, value) => Array.isArray(value) ? value.join(", ")
    : /rate/.test(name) ? shareText(value) : /_time_/.test(name) ? secondsText(value)
    : typeof value === "number" && name !== "port" ? numberText(value) : String(value);
  return make("div", {},
    hasRows(columns) ? make("button", {type: "button", class: "lead", onclick: () => filter.only(columns)}, "Show its resets") : null,
    make("dl", {class: "fields"}, ...entries.map(([name, value]) => make("div", {},
      make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, text(name, value))))));
}
