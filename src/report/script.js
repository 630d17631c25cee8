"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Local times stand beside the times in UTC where they differ.
  const pad = (number) => String(number).padStart(2, "0");
  for (const time of all("time")) {
    const date = new Date(time.dateTime);
    if (date.getTimezoneOffset() === 0) continue;
    const isSameDay = date.getDate() === date.getUTCDate();
    const day = isSameDay ? "" : `${pad(date.getMonth() + 1)}-${pad(date.getDate())} `;
    const local = document.createElement("small");
    local.textContent = ` (${day}${pad(date.getHours())}:${pad(date.getMinutes())} local)`;
    time.append(local);
  }

  // Sorting: each heading becomes a button. The first press sorts numbers downwards and text upwards, the second
  // reverses the order. Text comes after all numbers in both directions.
  const parseNumber = (text) => {
    const span = /^(?:(\d+)d)? ?(?:(\d+)h)? ?(?:(\d+)m)? ago$/.exec(text);
    if (span) return (+(span[1] ?? 0) * 24 + +(span[2] ?? 0)) * 60 + +(span[3] ?? 0);
    if (text === "now") return 0;
    const plain = text.replace(/,/g, "").replace(/\u2212/g, "-");
    return plain !== "" && Number.isFinite(+plain) ? +plain : null;
  };
  const collator = new Intl.Collator(undefined, { numeric: true });
  const sortKey = (row, column) => {
    const text = row.cells[column].textContent.trim();
    return { text, number: parseNumber(text) };
  };
  const compare = (one, other, direction) => {
    if (one.number !== null && other.number !== null) return direction * (one.number - other.number);
    if (one.number !== null) return -1;
    if (other.number !== null) return 1;
    return direction * collator.compare(one.text, other.text);
  };
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const first = heading.classList.contains("n") ? "descending" : "ascending";
        const second = first === "ascending" ? "descending" : "ascending";
        const order = heading.getAttribute("aria-sort") === first ? second : first;
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", order);
        const rows = [...body.rows].map((row) => [sortKey(row, column), row]);
        rows.sort(([one], [other]) => compare(one, other, order === "descending" ? -1 : 1));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  // Rank plots: a line shows its title, and is easier to hit.
  for (const plot of all(".rank-plot")) {
    for (const label of all(".labels li[class]", plot)) {
      const line = plot.querySelector(`path.${label.className}:not(.bridge)`);
      const hit = line.cloneNode();
      hit.classList.add("hit");
      const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
      title.textContent = label.textContent;
      hit.append(title);
      line.after(hit);
    }
  }

  // One category is shown at a time: the one that the address is in, or the first.
  const categories = all("section.category");
  const switches = all(".switch a");
  const showCategory = (shown) => {
    for (const category of categories) category.hidden = category !== shown;
    for (const link of switches) {
      if (link.hash === `#${shown.id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };

  // What the address names is shown and unfolded.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const category = target?.closest("section.category");
    if (category) showCategory(category);
    if (!target || !target.closest(".category")) return;
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView();
    filter();
  };

  // The controls hide the videos and regions that do not match.
  const controls = document.querySelector(".controls");
  const [search, kind, region] = ["search", "kind", "region"].map((id) => controls.querySelector(`#${id}`));
  const status = controls.querySelector("[role=status]");
  const letters = { ł: "l", ø: "o", đ: "d", ß: "ss", æ: "ae", œ: "oe", ı: "i" };
  const fold = (text) =>
    text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[łøđßæœı]/g, (letter) => letters[letter]);
  const rows = all(".chart tbody tr").map((row) => ({
    row,
    text: fold(row.querySelector(".wide").textContent),
    kind: row.querySelector(".kind").textContent,
    part: row.closest(".region"),
  }));
  const kinds = [...new Set(rows.map((row) => row.kind))].sort(collator.compare);
  kind.append(...kinds.map((name) => new Option(name)));
  const regions = all("details.region");
  const wasOpen = new Map();
  const restoreFolds = () => {
    for (const [part, open] of wasOpen) part.open = open;
    wasOpen.clear();
  };
  const unfold = (part) => {
    if (!wasOpen.has(part)) wasOpen.set(part, part.open);
    part.open = true;
  };
  const filter = () => {
    const words = fold(search.value).split(/\s+/).filter(Boolean);
    const isSearching = words.length > 0 || kind.value !== "";
    document.body.classList.toggle("searching", isSearching);
    restoreFolds();
    const found = new Map();
    for (const { row, text, kind: name, part } of rows) {
      const matches = words.every((word) => text.includes(word)) && (kind.value === "" || name === kind.value);
      row.hidden = !matches;
      if (matches) found.set(part, (found.get(part) ?? 0) + 1);
    }
    for (const part of all("[data-region]")) {
      part.hidden = region.value !== "" && part.dataset.region !== region.value;
    }
    let [videos, charts] = [0, 0];
    for (const part of regions) {
      if (isSearching && !found.has(part)) part.hidden = true;
      if (part.hidden || part.closest("[hidden]")) continue;
      if (isSearching) all(".full", part).concat(part).forEach(unfold);
      else if (region.value !== "") unfold(part);
      videos += found.get(part) ?? 0;
      charts += 1;
    }
    const counted = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
    const chosen = region.selectedOptions[0].textContent;
    if (isSearching) status.textContent = `${counted(videos, "entry", "entries")} in ${counted(charts, "chart", "charts")}`;
    else status.textContent = region.value === "" ? "" : `Showing ${chosen} only`;
  };
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filter, 150);
  });
  kind.addEventListener("change", filter);
  region.addEventListener("change", filter);
  controls.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
  });
  controls.addEventListener("reset", () => setTimeout(filter));
  controls.hidden = false;

  // Browsers that cannot print folded content by the style sheet unfold it.
  if (!CSS.supports("selector(::details-content)")) {
    addEventListener("beforeprint", () => all("details:not(.data)").forEach(unfold));
    addEventListener("afterprint", filter);
  }

  if (categories.length > 0) showCategory(categories[0]);
  filter();
  addEventListener("hashchange", reveal);
  reveal();
})();
