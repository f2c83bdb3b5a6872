// The bell: count, red dot and panel. Without it: a link to the inbox with the count of the page.
// Events of the document: "bell:look" asks now; "bell:live" says whether stream.js hears of news;
// "bell:state" gives what was answered; "bell:changed" follows what the reader did.
"use strict";
{
  const bell = document.querySelector("[data-bell]");
  const link = bell?.querySelector("[data-bell-link]");
  const badge = bell?.querySelector("[data-bell-badge]");
  const pause = bell?.querySelector("[data-bell-paused]");
  const favicon = document.querySelector("[data-favicon]");
  const calm = favicon?.href;
  const title = document.title;
  const here = encodeURIComponent(location.pathname + location.search);
  // While news comes by itself, and while nobody looks, the page seldom asks.
  const LIVE_SECONDS = 60;
  const HIDDEN_SECONDS = 30;
  const AGAIN_SECONDS = 5;
  const LONGEST_TIMER_MS = 2 ** 31 - 1;
  let tag = "";
  let panel = null;
  let live = false;
  let ended = false;
  let failed = false;
  let asking = null;
  let timer = 0;
  let looking = 0; // Its own: what is planned meanwhile must not put it off.
  let returning = 0;

  // The open inbox is as old as the first answer.
  const news = document.querySelector("[data-inbox-new]");
  let known = null;
  const paused = document.querySelector("[data-paused]");

  const show = (state) => {
    known ??= new Set(state.unread);
    if (news) news.hidden = state.unread.every((id) => known.has(id));
    badge.textContent = state.badge;
    badge.hidden = state.count === 0;
    link.setAttribute("aria-label", state.label);
    link.title = state.label;
    pause.hidden = !state.paused;
    if (paused) {
      paused.hidden = !state.paused;
      paused.querySelector("[data-paused-words]").textContent = state.paused;
    }
    const marked = state.red_dot && state.count > 0;
    document.title = marked ? `(${state.badge}) ${title}` : title;
    if (favicon) favicon.href = marked ? favicon.dataset.unread : calm;
    clearTimeout(returning);
    const wait = state.moves_at * 1000 - Date.now() + 200;
    if (state.moves_at) returning = setTimeout(ask, Math.min(Math.max(wait, 1000), LONGEST_TIMER_MS));
    document.dispatchEvent(new CustomEvent("bell:state", { detail: state }));
    if (panel && !isInUse()) fill({ gently: true });
  };

  const fetchState = async () => {
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(bell.dataset.bell, { headers, cache: "no-store" });
      ended = answer.redirected || answer.status === 403;
      failed = answer.status >= 500;
      if (ended || answer.status !== 200) return;
      tag = answer.headers.get("ETag");
      show(await answer.json());
    } catch {
      failed = true; // Offline, or the server starts again.
    }
  };
  // One question at a time; what happens meanwhile is asked for afterwards.
  let again = false;
  const ask = async () => {
    if (asking) return (again = true);
    do {
      again = false;
      asking = fetchState();
      await asking;
    } while (again && !ended);
    asking = null;
    plan();
  };
  const plan = () => {
    clearTimeout(timer);
    const seconds = live ? LIVE_SECONDS : document.hidden ? HIDDEN_SECONDS : Number(bell.dataset.seconds);
    if (!ended) timer = setTimeout(ask, (failed ? AGAIN_SECONDS : seconds) * 1000);
  };

  const close = () => {
    if (!panel) return;
    panel.remove();
    panel = null;
    link.setAttribute("aria-expanded", "false");
  };
  const isInUse = () => panel.querySelector("details[open]") || panel.contains(document.activeElement);
  // Gently: not under the hand of a reader who has begun to use it meanwhile.
  const fill = async ({ gently = false } = {}) => {
    const answer = await fetch(`${bell.dataset.panel}?next=${here}`, { cache: "no-store" });
    if (!answer.ok || answer.redirected) return location.assign(link.href);
    const html = await answer.text();
    if (panel && !(gently && isInUse())) panel.innerHTML = html;
  };
  const open = async () => {
    panel = document.createElement("div");
    panel.className = "menu-panel bell-panel";
    panel.id = "bell-panel";
    await fill();
    if (!panel) return;
    bell.append(panel);
    link.setAttribute("aria-expanded", "true");
  };

  if (bell) {
    link.setAttribute("aria-expanded", "false");
    link.setAttribute("aria-controls", "bell-panel");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      if (panel) close();
      else open().catch(() => location.assign(link.href));
    });
    const popups = document.querySelector("[data-popup-stack]");
    document.addEventListener("click", (event) => {
      // What was clicked may have gone by then.
      if (!event.composedPath().some((part) => part === bell || part === popups)) close();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !panel || event.defaultPrevented) return;
      close();
      link.focus();
    });
    document.addEventListener("bell:live", (event) => {
      live = event.detail;
      plan();
    });
    // A hidden tab has time: what comes together is asked for once.
    document.addEventListener("bell:look", () => {
      if (!document.hidden) return ask();
      looking ||= setTimeout(() => {
        looking = 0;
        ask();
      }, 2000);
    });
    document.addEventListener("bell:changed", () => {
      if (panel) fill().catch(close);
      ask();
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? plan() : ask()));
    ask();
  }
}
