/* Keeps a list as the server has it: <ol data-live="URL" data-live-ms="700"> with
   <li data-key>. Without it, the list is as old as the page. */
(() => {
  "use strict";

  const showLocalTimes = (root) => {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      const minute = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      const day = { day: "numeric", month: "short", ...minute };
      const clock = { ...minute, second: "2-digit" };
      const isToday = at.toDateString() === new Date().toDateString();
      time.textContent = at.toLocaleString(document.documentElement.lang, isToday ? clock : day);
      time.title = at.toLocaleString(document.documentElement.lang, { hourCycle: "h23" });
    }
  };

  // Only what changed is replaced: focus, selection and screen readers stay where they are.
  const patch = (list, html, known) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = [...template.content.querySelectorAll("li[data-key]")];
    const keys = new Set(fresh.map((item) => item.dataset.key));
    for (const item of [...list.children]) if (!keys.has(item.dataset.key)) item.remove();
    fresh.forEach((item, place) => {
      const { key } = item.dataset;
      const old = [...list.children].find((child) => child.dataset.key === key);
      const text = item.outerHTML;
      if (old && known.get(key) === text) return;
      known.set(key, text);
      showLocalTimes(item);
      if (old) old.replaceWith(item);
      else list.insertBefore(item, list.children[place] || null);
    });
    const empty = document.getElementById(list.dataset.liveEmpty);
    if (empty) empty.hidden = fresh.length > 0;
  };

  const follow = (list) => {
    const known = new Map([...list.children].map((item) => [item.dataset.key, item.outerHTML]));
    const pause = Number(list.dataset.liveMs);
    let last = "";
    const look = async () => {
      let wait = pause;
      try {
        if (!document.hidden) {
          const answer = await fetch(list.dataset.live);
          const html = answer.ok ? await answer.text() : last;
          if (html !== last) patch(list, html, known);
          last = html;
        }
      } catch {
        wait = pause * 5; // The server is being restarted, perhaps.
      }
      setTimeout(look, wait);
    };
    look();
  };

  showLocalTimes(document);
  for (const place of document.querySelectorAll("[data-zone]")) {
    place.append(Intl.DateTimeFormat().resolvedOptions().timeZone);
    place.hidden = false;
  }
  document.querySelectorAll("[data-live]").forEach(follow);
})();
