// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the page together.
"use strict";

function place(id) {
  return document.getElementById(id);
}

function setUpTheme(timeline) {
  const select = place("theme");
  const show = (theme) => {
    if (theme) {
      document.documentElement.dataset.theme = theme;
    } else {
      delete document.documentElement.dataset.theme;
    }
    timeline.draw();
  };
  select.addEventListener("change", () => show(select.value));
  place("print").addEventListener("click", () => window.print());
  // Paper is white.
  window.addEventListener("beforeprint", () => show("light"));
  window.addEventListener("afterprint", () => show(select.value));
}

function showPage() {
  const resets = sum(report.captures, "resets");
  document.title = countText(resets, "TCP reset");
  place("version").textContent = report.version;
  showSpan(place("span"));
  showTotals(place("totals"));
  showNotes(place("notes"));
  makeFilterForm(place("filters"));
  const timeline = new Timeline(place("chart"), place("timeline-colours"), document.querySelector("[aria-label=Zoom]"));
  place("origins").append(report.count ? makeOriginMatrix() : make("p", {}, "There are no resets."));
  showFingerprints(place("fingerprints"));
  showFindings(place("findings"));
  showEndpoints(place("endpoints"));
  place("resets").append(makeResetTable().element);
  filter.listeners.push(() => showChips(place("chips")));
  showCaptures(place("captures"));
  setUpTheme(timeline);
}

showPage();
