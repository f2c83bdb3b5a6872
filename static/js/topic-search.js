// Settings › Notifications: the search for a topic. Without it: all topics are shown.
"use strict";
{
  // "Transakcję" and "transakcje" are the same; so are "co-selling" and "co selling".
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ł", "l");
  const wordsOf = (text) => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  // Endings differ by case and number: up to three letters, and never below four.
  const stem = (word) => word.slice(0, Math.max(4, word.length - 3));
  const matches = (asked, text) => {
    const words = wordsOf(text);
    const found = asked.every((ask) => words.some((word) => word.startsWith(stem(ask))));
    return found || words.join("").includes(asked.join(""));
  };

  const filter = (search, asked) => {
    let found = 0;
    for (const group of search.parentElement.querySelectorAll("[data-group]")) {
      const rows = [...group.querySelectorAll("[data-topic-row]")];
      const about = (row) => `${group.dataset.label} ${row.textContent} ${row.dataset.keywords ?? ""}`;
      for (const row of rows) row.hidden = !matches(asked, about(row));
      const hits = rows.filter((row) => !row.hidden).length;
      found += hits;
      group.hidden = hits === 0;
      const all = group.querySelector("[data-all]");
      if (all) all.hidden = asked.length > 0;
      if (asked.length && hits) group.open = true;
    }
    search.querySelector("[data-search-empty]").textContent = found ? "" : search.dataset.search;
  };

  for (const search of document.querySelectorAll("[data-search]")) {
    search.hidden = false;
    const box = search.querySelector("input");
    box.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
    box.addEventListener("input", () => filter(search, wordsOf(box.value)));
  }
}
