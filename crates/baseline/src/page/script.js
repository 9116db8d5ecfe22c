"use strict";
// Sorts a table by a column: numbers by their value, text by its letters; again turns it round.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const place = head.cellIndex;
    const body = head.closest("table").tBodies[0];
    const numeric = head.classList.contains("num");
    const now = head.getAttribute("aria-sort");
    const next = now === "descending" || (!now && !numeric) ? "ascending" : "descending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const key = (row) => row.cells[place].dataset.v ?? row.cells[place].textContent;
    const rows = [...body.rows];
    rows.sort((a, b) => sign * (numeric ? key(a) - key(b) : key(a).localeCompare(key(b), "en")));
    body.append(...rows);
  });
}
// Hints: the titles of the drawing, at once and beside the pointer.
const hint = document.createElement("div");
hint.className = "hint";
hint.hidden = true;
document.body.append(hint);
for (const title of document.querySelectorAll("svg title")) {
  const owner = title.parentElement;
  owner.dataset.hint = title.textContent;
  title.remove();
}
document.addEventListener("pointermove", (event) => {
  const owner = event.target.closest?.("[data-hint]");
  hint.hidden = !owner;
  if (!owner) return;
  hint.textContent = owner.dataset.hint;
  const x = Math.min(event.clientX + 14, innerWidth - hint.offsetWidth - 8);
  const y = event.clientY + 18 + hint.offsetHeight > innerHeight ? event.clientY - hint.offsetHeight - 10 : event.clientY + 18;
  hint.style.left = `${Math.max(4, x)}px`;
  hint.style.top = `${y}px`;
});
