"use strict";

// The theme follows the system until the reader chooses one.
const root = document.documentElement;
const toggle = document.getElementById("theme");
const stored = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
const system = matchMedia("(prefers-color-scheme: dark)");
const theme = () => root.dataset.theme || (system.matches ? "dark" : "light");

function told() {
  const other = theme() === "dark" ? "light" : "dark";
  toggle.textContent = other === "dark" ? "Dark" : "Light";
  toggle.setAttribute("aria-label", `Show the page in ${other} colours`);
}

if (stored === "dark" || stored === "light") root.dataset.theme = stored;
toggle.hidden = false;
toggle.addEventListener("click", () => {
  root.dataset.theme = theme() === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it holds for this visit */ }
  told();
});
system.addEventListener("change", told);
told();

// Tables: a click on a heading sorts by its column, another one the other way round.
const words = new Intl.Collator(undefined, { numeric: true });

function value(row, column) {
  const cell = row.cells[column];
  return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
}

function compared(one, other) {
  const numbers = typeof one === "number" && typeof other === "number";
  return numbers ? one - other : words.compare(String(one), String(other));
}

function sorted(table, column, direction) {
  const body = table.tBodies[0];
  const missing = (row) => row.cells[column].textContent.trim() === "–";
  const rows = [...body.rows].sort((one, other) => {
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    return direction * compared(value(one, column), value(other, column));
  });
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
      sorted(table, column, direction);
    });
  });
}

// Paper has no folds.
const folds = document.querySelectorAll("details");
addEventListener("beforeprint", () => folds.forEach((fold) => { fold.open = true; }));
