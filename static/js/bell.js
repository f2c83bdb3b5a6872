// The bell: count, red dot and panel. Without it: a link to the inbox with the count of the page.
"use strict";
{
  const bell = document.querySelector("[data-bell]");
  const link = bell?.querySelector("[data-bell-link]");
  const badge = bell?.querySelector("[data-bell-badge]");
  const favicon = document.querySelector("[data-favicon]");
  const calm = favicon?.href;
  const title = document.title;
  let tag = "";
  let panel = null;
  let timer = 0;

  // The open inbox is as old as the first answer.
  const news = document.querySelector("[data-inbox-new]");
  let known = null;

  const show = ({ count, badge: text, label, red_dot, latest }) => {
    known ??= latest;
    if (news) news.hidden = latest <= known;
    badge.textContent = text;
    badge.hidden = count === 0;
    link.setAttribute("aria-label", label);
    const marked = red_dot && count > 0;
    document.title = marked ? `(${text}) ${title}` : title;
    if (favicon) favicon.href = marked ? favicon.dataset.unread : calm;
  };

  const ask = async () => {
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(bell.dataset.bell, { headers, cache: "no-store" });
      if (answer.redirected || answer.status === 403) return stop();
      if (answer.status !== 200) return;
      tag = answer.headers.get("ETag");
      show(await answer.json());
    } catch {
      // Offline: the next turn asks again.
    }
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
  };
  const start = () => {
    if (timer || document.hidden) return;
    ask();
    timer = setInterval(ask, Number(bell.dataset.seconds) * 1000);
  };

  const close = () => {
    if (!panel) return;
    panel.remove();
    panel = null;
    link.setAttribute("aria-expanded", "false");
  };
  const open = async () => {
    const answer = await fetch(bell.dataset.panel, { cache: "no-store" });
    if (!answer.ok || answer.redirected) return location.assign(link.href);
    panel = document.createElement("div");
    panel.className = "menu-panel bell-panel";
    panel.id = "bell-panel";
    panel.innerHTML = await answer.text();
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
    document.addEventListener("click", (event) => bell.contains(event.target) || close());
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !panel) return;
      close();
      link.focus();
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
    start();
  }
}
