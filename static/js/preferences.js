// Settings › Notifications: tabs without a page load, counts; save-bar.js, before it, marks what is
// changed.
// Without it: each tab is a page of its own with a plain form.
"use strict";
{
  const form = document.querySelector("form[data-preferences]");
  const tabs = [...document.querySelectorAll("[data-tab]")];
  const cells = [...form.querySelectorAll("[data-cell]")];
  const counts = JSON.parse(document.getElementById("group-counts").textContent);
  const OPEN = "preferences.open";
  const panelOf = (slug) => form.querySelector(`[data-panel="${slug}"]`);

  // A page that gives back what was entered (data-edited: the stored name): what it was before
  // stands beside each cell, and counts as unchanged.
  if ("edited" in form.dataset) {
    const posted = new FormData(form);
    for (const cell of cells) {
      const { checked, value } = cell;
      if (cell.type === "checkbox") {
        const shown = posted.getAll(`initial-${cell.name}`);
        cell.defaultChecked = shown.includes(value === "on" ? "True" : value);
        cell.checked = checked;
      } else {
        cell.defaultValue = form.dataset.edited;
        cell.value = value;
      }
    }
  }

  const update = () => {
    for (const tab of tabs) {
      const isChanged = panelOf(tab.dataset.tab).querySelector("[data-changed]") !== null;
      tab.classList.toggle("is-changed", isChanged);
      tab.querySelector("[data-tab-changed]").hidden = !isChanged;
    }
    for (const group of form.querySelectorAll("[data-group]")) updateGroup(group);
  };
  // What a script has ticked is counted like what somebody has.
  const recount = () => form.dispatchEvent(new Event("change"));
  const updateGroup = (group) => {
    const topics = [...group.querySelectorAll("[data-topic]")];
    const on = topics.filter((topic) => topic.checked).length;
    const all = group.querySelector("[data-all] input");
    if (all) {
      // What is locked stays as it is: the box speaks of the others, if there are any.
      const free = topics.filter((topic) => !topic.disabled);
      const about = free.length ? free : topics;
      all.disabled = about !== free;
      all.checked = about.every((topic) => topic.checked);
      all.indeterminate = !all.checked && about.some((topic) => topic.checked);
    }
    if (topics.length) group.querySelector("[data-count]").textContent = counts[group.dataset.group][on];
    for (const topic of topics) topic.closest("[data-topic-row]").classList.toggle("is-changed", topic.matches("[data-changed]"));
  };

  // --- Tabs: the address follows, the form stays ---
  const select = (slug, focus) => {
    for (const tab of tabs) {
      const isCurrent = tab.dataset.tab === slug;
      tab.setAttribute("aria-selected", String(isCurrent));
      tab.tabIndex = isCurrent ? 0 : -1;
      panelOf(tab.dataset.tab).hidden = !isCurrent;
      if (isCurrent) form.action = tab.pathname;
      if (isCurrent) bringIntoView(tab);
      if (isCurrent && focus) tab.focus();
    }
  };
  // A narrow screen shows some of the tabs only.
  const bringIntoView = (tab) => {
    const strip = tab.parentElement;
    strip.scrollLeft = tab.offsetLeft + tab.offsetWidth - strip.clientWidth;
  };
  const go = (tab, focus) => {
    if (tab.pathname !== location.pathname) history.pushState(null, "", tab.pathname);
    select(tab.dataset.tab, focus);
  };
  const here = () => tabs.find((tab) => tab.pathname === location.pathname) ?? tabs[0];
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(tab, false);
    });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: place + 1, ArrowLeft: place - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
      if (event.key === " ") go(tab, true);
      else if (step !== undefined) go(tabs[step % tabs.length], true);
      else return;
      event.preventDefault();
    });
  }
  addEventListener("popstate", () => select(here().dataset.tab, false));

  // --- Topics: all of a group, clear ---
  for (const group of form.querySelectorAll("[data-group]")) {
    const row = group.querySelector("[data-all]");
    if (!row) continue;
    row.hidden = false;
    row.querySelector("input").addEventListener("change", (event) => {
      for (const topic of group.querySelectorAll("[data-topic]:enabled")) topic.checked = event.target.checked;
    });
  }
  const dialog = document.getElementById("clear-dialog"); // None on a page to look at.
  for (const button of form.querySelectorAll("[data-clear]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      dialog.returnValue = "no";
      dialog.showModal();
    });
  }
  dialog?.addEventListener("close", () => {
    const cleared = { here: [here()], all: tabs }[dialog.returnValue] ?? [];
    for (const tab of cleared) {
      const topics = panelOf(tab.dataset.tab).querySelectorAll("[data-topic]:enabled");
      for (const topic of topics) topic.checked = false;
    }
    recount();
  });
  for (const button of form.querySelectorAll("[data-reset]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const cells = button.closest("[data-panel]").querySelectorAll("[data-inherited]:enabled");
      for (const cell of cells) cell.checked = cell.dataset.inherited === "on";
      recount();
    });
  }
  // --- What was just opened or ticked stays in view, above the bar ---
  for (const group of form.querySelectorAll("[data-group]")) {
    group.querySelector("summary").addEventListener("click", () => {
      setTimeout(() => group.open && group.scrollIntoView({ block: "nearest" }));
    });
  }
  form.addEventListener("change", (event) => {
    update();
    event.target.closest("[data-topic-row], .row")?.scrollIntoView({ block: "nearest" });
  });
  form.addEventListener("reset", () => setTimeout(update));
  form.addEventListener("submit", () => {
    const open = [...form.querySelectorAll("details[open]")].map((group) => group.id);
    sessionStorage.setItem(OPEN, open.join(" "));
  });
  addEventListener("pageshow", update);
  // A group that was open when the form was sent is open again; once.
  const opened = (sessionStorage.getItem(OPEN) ?? "").split(" ");
  sessionStorage.removeItem(OPEN);
  for (const id of [location.hash.slice(1), ...opened]) {
    const group = document.getElementById(id);
    if (group?.matches("details")) group.open = true;
  }
  select(here().dataset.tab, false);
  recount();
}
