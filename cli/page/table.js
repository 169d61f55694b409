// SPDX-License-Identifier: GPL-2.0-or-later
// A table that sorts by any column and shows a page of its rows at a time.
"use strict";

class Table {
  // columns: {title, value(item), text(item) or node(item), number, code, wide, help}
  // options: caption, pageSize, detail(item): an element that a row unfolds, empty: said without rows
  constructor(columns, options) {
    this.columns = columns;
    this.options = options;
    this.items = [];
    this.page = 0;
    this.sorted = options.sort ?? {column: -1, descending: false};
    this.open = new Set();
    this.caption = make("caption", {}, options.caption ?? "");
    this.head = make("tr");
    this.body = make("tbody");
    this.status = make("span", {role: "status"});
    this.buttons = [["First", () => 0], ["Previous", () => this.page - 1],
                    ["Next", () => this.page + 1], ["Last", () => this.pages() - 1]]
      .map(([text, target]) => make("button", {type: "button", onclick: () => this.show(target())}, text));
    this.element = make("div", {},
      make("div", {class: "scroll"},
        make("table", {}, this.caption, make("thead", {}, this.head), this.body)),
      make("div", {class: "pager"}, ...this.buttons, this.status));
    this.body.addEventListener("keydown", (event) => this.moveFocus(event));
    this.makeHead();
  }

  makeHead() {
    this.head.replaceChildren(...this.columns.map((column, i) => make("th", {
      scope: "col", class: column.number ? "number" : null, title: column.help,
      "aria-sort": this.sorted.column !== i ? null : this.sorted.descending ? "descending" : "ascending",
    }, make("button", {type: "button", onclick: () => this.sortBy(i)}, column.title))));
  }

  // Numbers begin with the greatest, texts with the first; a second time turns it round.
  sortBy(column) {
    const descending = this.sorted.column === column ? !this.sorted.descending
      : Boolean(this.columns[column].number);
    this.sorted = {column, descending};
    this.makeHead();
    this.head.children[column].querySelector("button").focus();
    this.sort();
    this.show(0);
  }

  sort() {
    const {column, descending} = this.sorted;
    if (column < 0) {
      return;
    }
    const value = this.columns[column].value;
    const keyed = Array.from(this.items, (item, i) => [value(item), i, item]);
    const sign = descending ? -1 : 1;
    // What is absent comes last either way; equal ones keep their order.
    keyed.sort(([a, i], [b, j]) => {
      if (a === b) {
        return i - j;
      }
      if (a === null || a === "") {
        return 1;
      }
      if (b === null || b === "") {
        return -1;
      }
      return a < b ? -sign : sign;
    });
    this.items = keyed.map((entry) => entry[2]);
  }

  setItems(items) {
    this.items = items;
    this.open.clear();
    this.sort();
    this.show(0);
  }

  pages() {
    return Math.max(1, Math.ceil(this.items.length / this.options.pageSize));
  }

  show(page) {
    const size = this.options.pageSize;
    this.page = Math.max(0, Math.min(page, this.pages() - 1));
    const start = this.page * size;
    const shown = this.items.slice(start, start + size);
    this.body.replaceChildren(...shown.flatMap((item) => this.rowsOf(item)));
    if (!shown.length) {
      this.body.append(make("tr", {}, make("td", {colspan: this.columns.length}, this.options.empty)));
    }
    this.status.textContent = shown.length
      ? `${numberText(start + 1)}\u2013${numberText(start + shown.length)} of ${numberText(this.items.length)}`
      : "";
    const [first, previous, next, last] = this.buttons;
    first.disabled = previous.disabled = this.page === 0;
    next.disabled = last.disabled = this.page === this.pages() - 1;
    this.buttons.forEach((button) => { button.hidden = this.pages() === 1; });
  }

  rowsOf(item) {
    const cells = this.columns.map((column, i) => {
      const classes = ["number", "code", "wide"].filter((name) => column[name]).join(" ");
      let content = column.node ? column.node(item) : column.text ? column.text(item) : column.value(item);
      if (i === 0 && this.options.detail) {
        content = make("button", {type: "button", class: "plain", "aria-expanded": this.open.has(item)}, content);
      }
      return make("td", {class: classes || null}, content ?? "");
    });
    const row = make("tr", {class: this.options.detail ? "row expands" : "row"}, ...cells);
    if (!this.options.detail) {
      return [row];
    }
    row.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if ((!button || button === cells[0].firstChild) && !String(getSelection())) {
        this.toggle(item, row, cells[0].firstChild);
      }
    });
    return this.open.has(item) ? [row, this.detailRow(item)] : [row];
  }

  detailRow(item) {
    return make("tr", {class: "detail"}, make("td", {colspan: this.columns.length}, this.options.detail(item)));
  }

  toggle(item, row, button) {
    if (this.open.delete(item)) {
      row.nextSibling.remove();
    } else {
      this.open.add(item);
      row.after(this.detailRow(item));
    }
    button.setAttribute("aria-expanded", this.open.has(item));
  }

  // Up and down go from row to row.
  moveFocus(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    const buttons = [...this.body.querySelectorAll("tr.row > td:first-child > button")];
    const at = buttons.indexOf(document.activeElement);
    if (step && at >= 0 && buttons[at + step]) {
      event.preventDefault();
      buttons[at + step].focus();
    }
  }
}
