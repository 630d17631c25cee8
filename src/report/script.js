"use strict";
(() => {
  // Sorting: each heading becomes a button. A second press reverses the order.
  const parseNumber = (text) => {
    const plain = text.replace(/,/g, "").replace(/\u2212/g, "-");
    return plain.trim() !== "" && Number.isFinite(+plain) ? +plain : null;
  };
  const collator = new Intl.Collator(undefined, { numeric: true });
  const sortKey = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    return { text, number: parseNumber(text) };
  };
  const compare = (one, other, direction) => {
    if (one.number !== null && other.number !== null) return direction * (one.number - other.number);
    // Text comes after all numbers in both directions.
    if (one.number !== null) return -1;
    if (other.number !== null) return 1;
    return direction * collator.compare(one.text, other.text);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const descending = heading.getAttribute("aria-sort") === "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [sortKey(row, column), row]);
        rows.sort(([one], [other]) => compare(one, other, descending ? -1 : 1));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  // The filter hides what belongs to another region.
  const controls = document.querySelector(".controls");
  const select = controls.querySelector("select");
  const filter = () => {
    for (const part of document.querySelectorAll("[data-region]")) {
      part.hidden = select.value !== "" && part.dataset.region !== select.value;
    }
    const chosen = select.selectedOptions[0].textContent;
    controls.querySelector("[role=status]").textContent = select.value === "" ? "" : `Showing ${chosen} only`;
  };
  select.addEventListener("change", filter);
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = false;
  filter();
})();
