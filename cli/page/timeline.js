// SPDX-License-Identifier: GPL-2.0-or-later
// Resets over time: bars of equal width, stacked by what they have in common; uPlot draws them.
"use strict";

const BARS = 120;
const STACKS = 8;       // colours; the last is for all others
const NARROWEST = 1000; // microseconds in view at least
const OTHERS = "others";

class Timeline {
  constructor(host, select, buttons) {
    this.host = host;
    this.select = select;
    this.plot = null;
    this.names = {}; // of the values of a column, most frequent first
    const times = report.columns.time.slice(0, report.count);
    this.first = times.reduce((a, b) => Math.min(a, b), Infinity);
    this.last = times.reduce((a, b) => Math.max(a, b), -Infinity);
    for (const name of ["cause", "origin", "sender", "confidence"]) {
      // Of all resets, so that zooming and filtering change no colour.
      this.names[name] = countBy(allRows(), (row) => strings[report.columns[name][row]]).map(([value]) => value);
      select.append(make("option", {value: name}, `by ${FILTER_COLUMNS[name].toLowerCase()}`));
    }
    select.addEventListener("change", () => this.draw());
    buttons.addEventListener("click", (event) => this.zoomBy(event.target.dataset.zoom));
    filter.listeners.push(() => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.resize()).observe(host);
    this.draw();
  }

  range() {
    return filter.from === null ? [this.first, Math.max(this.last, this.first + NARROWEST)] : [filter.from, filter.to];
  }

  zoomTo(from, to) {
    const [first, last] = [this.first, Math.max(this.last, this.first + NARROWEST)];
    const width = Math.min(Math.max(to - from, NARROWEST), last - first);
    const start = Math.min(Math.max(from, first), last - width);
    const everything = width > 0.999 * (last - first); // whatever rounding has done
    filter.set(everything ? {from: null, to: null} : {from: Math.floor(start), to: Math.ceil(start + width)});
  }

  zoomBy(action) {
    const [from, to] = this.range();
    const width = to - from;
    const moves = {in: [0.25, -0.25], out: [-0.5, 0.5], earlier: [-0.5, -0.5], later: [0.5, 0.5], all: [-Infinity, Infinity]};
    if (action === "all") {
      filter.set({from: null, to: null});
    } else if (action) {
      this.zoomTo(from + moves[action][0] * width, to + moves[action][1] * width);
    }
  }

  // Names of the stacks, the greatest first, and how many of each fall into each bar.
  count() {
    const [from, to] = this.range();
    const width = (to - from) / BARS;
    const column = report.columns[this.select.value];
    const times = report.columns.time;
    const rows = filter.visible;
    const names = this.names[this.select.value];
    const own = names.length > STACKS ? names.slice(0, STACKS - 1) : names;
    const stackOf = new Map(own.map((name, i) => [stringIds.get(name), i]));
    const titles = names.length > STACKS ? [...own, OTHERS] : own;
    const bars = titles.map(() => new Array(BARS).fill(0));
    for (const row of rows) {
      const bar = Math.min(BARS - 1, Math.max(0, Math.floor((times[row] - from) / width)));
      bars[stackOf.get(column[row]) ?? titles.length - 1][bar]++;
    }
    const middles = Array.from({length: BARS}, (_, i) => (from + (i + 0.5) * width) / 1e6);
    return {titles, bars, middles, from: from / 1e6, to: to / 1e6, total: rows.length};
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    if (!report.count) {
      this.host.textContent = "There are no resets.";
      return;
    }
    const counted = this.count();
    this.host.setAttribute("aria-label", `Resets over time: ${numberText(counted.total)}, from `
      + `${timeText(counted.from * 1e6)} to ${timeText(counted.to * 1e6)}`);
    this.host.replaceChildren();
    this.plot = new uPlot(this.optionsFor(counted), [counted.middles, ...stack(counted.bars)], this.host);
  }

  optionsFor(counted) {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const axis = {stroke: color("--soft"), grid: {stroke: color("--line"), width: 1}, ticks: {stroke: color("--line"), width: 1}};
    return {
      width: this.host.clientWidth || 900, height: 260,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      scales: {x: {min: counted.from, max: counted.to, range: (u, min, max) => [min, max]},
               y: {range: (u, min, max) => [0, Math.max(1, max * 1.05)]}},
      axes: [{...axis, space: 90, values: (u, splits, i, space, step) => splits.map((at, n) => tickText(splits, n, step))}, {...axis, size: 64, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5]}],
      cursor: {drag: {x: true, y: false, setScale: false}, points: {show: false},
               bind: {dblclick: () => () => this.zoomBy("all")}},
      hooks: {setSelect: [(u) => this.selected(u)]},
      series: [{label: "Time (UTC)", value: (u, value) => value === null ? "" : timeText(Math.round(value * 1e6)).slice(0, 23)},
        // Each stack's bar reaches down to zero; those drawn later cover it from below.
        ...counted.titles.map((title, i) => ({
          label: title, width: 0, fill: color(`--c${title === OTHERS ? STACKS - 1 : i}`), points: {show: false},
          paths: uPlot.paths.bars({size: [0.94, Infinity], align: 0}),
          value: (u, value, series, at) => at === null || at === undefined ? numberText(counted.bars[i].reduce((a, b) => a + b, 0))
            : numberText(counted.bars[i][at]),
        }))],
      legend: {live: true},
    };
  }

  selected(plot) {
    const {left, width} = plot.select;
    if (width > 3) {
      const [from, to] = [left, left + width].map((at) => plot.posToVal(at, "x") * 1e6);
      // Once uPlot is done with the mouse: this draws a new chart in its place.
      queueMicrotask(() => this.zoomTo(from, to));
    }
  }

  resize() {
    if (this.plot && this.host.clientWidth && this.plot.width !== this.host.clientWidth) {
      this.plot.setSize({width: this.host.clientWidth, height: 260});
    }
  }
}

// 24 hours; the date where a day begins, and at the first.
function tickText(splits, n, step) {
  const text = timeText(Math.round(splits[n] * 1e6));
  const day = text.slice(0, 10);
  const clock = text.slice(11, step >= 60 ? 16 : step >= 1 ? 19 : 23);
  const sameDay = n > 0 && timeText(Math.round(splits[n - 1] * 1e6)).startsWith(day);
  return sameDay ? clock : `${clock}\n${day}`;
}

// The first series is the sum of all, the last the last stack alone.
function stack(bars) {
  const sums = bars.map((bar) => [...bar]);
  for (let i = sums.length - 2; i >= 0; i--) {
    sums[i] = sums[i].map((value, at) => value + sums[i + 1][at]);
  }
  return sums;
}
