// Pop-ups for what has just come, and the answers to what is chosen in bell and pop-ups.
// Without it: everything stands in the inbox, and a choice leads back to the page.
"use strict";
{
  const bell = document.querySelector("[data-bell]");
  const stack = document.querySelector("[data-popup-stack]");
  const list = stack?.querySelector("[data-popup-list]");
  const words = stack?.querySelector("[data-popup-words]");
  const here = encodeURIComponent(location.pathname + location.search);
  const MOST = 3;
  const MOST_KNOWN = 300;
  const STAYS_MS = 12_000;
  const TICK_MS = 500;
  let ticking = 0;

  // --- The stack: it waits while somebody points at it, is in it, or looks elsewhere ---
  const tick = () => {
    if (document.hidden || stack.matches(":hover, :focus-within")) return;
    for (const item of [...list.children]) {
      item.dataset.left -= TICK_MS;
      if (item.dataset.left <= 0) remove(item);
    }
  };
  const remove = (item) => {
    const hadFocus = item.contains(document.activeElement);
    const neighbour = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    stack.hidden = list.children.length === 0;
    if (stack.hidden) ticking = clearInterval(ticking);
    if (hadFocus) (neighbour?.querySelector("button") ?? document.getElementById("main")).focus();
  };
  const add = (items, said) => {
    for (const item of items) item.dataset.left = STAYS_MS;
    stack.hidden = false;
    list.prepend(...items);
    for (const item of [...list.children].slice(MOST)) remove(item);
    words.textContent = said;
    ticking ||= setInterval(tick, TICK_MS);
  };
  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };

  // --- News: what no tab of this browser knows yet, shown by one that is seen ---
  // Tabs are several processes. What one writes to localStorage another may see later, even
  // within a lock; transactions that write to one IndexedDB store come one after another.
  const answered = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  // Kept open: a private window forgets what no page holds.
  let opened = null;
  const open = async () => {
    const request = indexedDB.open("partnernotify", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("known");
    const database = await answered(request);
    database.onclose = () => (opened = null); // The site's data were cleared.
    return database;
  };
  let mine = null; // What this page knows, should the memory be lost while it is open.
  const claim = async (unread, mayTryAgain = true) => {
    try {
      opened ??= open();
      const store = (await opened).transaction("known", "readwrite").objectStore("known");
      const stored = await answered(store.get(bell.dataset.member));
      const known = new Set(stored ?? mine ?? unread); // The first page ever begins with what is there.
      const fresh = unread.filter((id) => !known.has(id));
      const now = [...known, ...fresh].slice(-MOST_KNOWN);
      await answered(store.put(now, bell.dataset.member));
      mine = now;
      return fresh;
    } catch {
      opened = null;
      if (mayTryAgain) return claim(unread, false);
      return []; // Without a memory they would come again with every page.
    }
  };
  const pop = async ({ unread, popup }) => {
    for (const item of list.querySelectorAll("[data-popup]")) {
      if (!unread.includes(Number(item.dataset.popup))) remove(item); // Read elsewhere.
    }
    if (document.hidden) return;
    const fresh = await claim(unread);
    if (!popup || !fresh.length) return;
    const answer = await fetch(`${bell.dataset.popups}?ids=${fresh.slice(0, MOST)}&next=${here}`);
    if (!answer.ok || answer.redirected) return;
    const items = [...parse(await answer.text()).querySelectorAll("[data-popup]")];
    const said = (part) => part.querySelector("[data-popup-title]").textContent;
    if (items.length) add(items, items.map(said).join(". "));
  };

  // --- Choices: made without leaving the page ---
  const answerTo = async (form, submitter) => {
    const body = new FormData(form, submitter);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Fragment": "1" } });
      const said = answer.ok && parse(await answer.text()).querySelector(".toast");
      if (said) return said;
    } catch {
      // Offline: the words below say it.
    }
    const sorry = document.createElement("p");
    sorry.className = "toast toast-error";
    sorry.textContent = stack.dataset.words;
    return sorry;
  };
  const choose = async (form, submitter) => {
    const item = form.closest("li") ?? form;
    const said = await answerTo(form, submitter);
    const hadFocus = item.contains(document.activeElement);
    const line = document.createElement("li");
    line.append(said);
    add([line], said.querySelector("p")?.textContent ?? said.textContent);
    if (item.parentElement === list && !said.matches(".toast-error")) remove(item);
    if (hadFocus) (line.querySelector("button") ?? document.getElementById("main")).focus();
    document.dispatchEvent(new Event("bell:changed"));
  };

  if (bell && stack) {
    // What came while nobody looked is new to whoever comes back.
    let latest = null;
    const popLatest = () => latest && pop(latest).catch(() => {});
    document.addEventListener("bell:state", (event) => {
      latest = event.detail;
      popLatest();
    });
    document.addEventListener("visibilitychange", popLatest);
    document.addEventListener("submit", (event) => {
      if (!event.target.matches("[data-quiet-forms] form[data-quiet]")) return;
      event.preventDefault();
      choose(event.target, event.submitter);
    });
    list.addEventListener("click", (event) => {
      if (event.target.closest("[data-dismiss]")) remove(event.target.closest("li"));
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "F8" && !stack.hidden) list.querySelector("button").focus();
      const item = event.target.closest?.("[data-popup-list] > li");
      if (event.key === "Escape" && item && !event.defaultPrevented) remove(item);
    });
  }
}
