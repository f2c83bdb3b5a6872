// Hears at once that the bell moved. Without it, and while it cannot connect, bell.js asks often.
// One tab of the browser listens for all: who holds the lock. The others hear it from that tab.
"use strict";
{
  const bell = document.querySelector("[data-bell]");
  const name = `bell-${bell?.dataset.member}`;
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
  const FIRST_PAUSE_MS = 1000;
  const LONGEST_PAUSE_MS = 60_000;
  let isLive = false;
  let listens = false;
  let last = "";
  let failures = 0;

  const tell = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail }));
  const setLive = (live) => {
    isLive = live;
    bell.toggleAttribute("data-is-live", live);
    tell("bell:live", live);
    if (listens) tabs?.postMessage({ live });
  };
  const look = () => {
    tell("bell:look");
    tabs?.postMessage({ look: true });
  };

  // A pause that grows, and differs from page to page: a server that starts again is not stormed.
  const connectLater = () => {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    failures += 1;
    setTimeout(connect, pause * (0.5 + Math.random() / 2));
  };
  const connect = async () => {
    try {
      const answer = await fetch(bell.dataset.stream, { cache: "no-store" });
      if (answer.redirected || answer.status === 403) return setLive(false); // The session has ended.
      const { url } = await answer.json();
      if (url) listen(`${url}&last=${encodeURIComponent(last)}`);
    } catch {
      setLive(false);
      connectLater();
    }
  };
  const listen = (url) => {
    const source = new EventSource(url);
    source.addEventListener("ready", (event) => {
      last = event.lastEventId;
      failures = 0;
      setLive(true);
    });
    source.addEventListener("bell", (event) => {
      last = event.lastEventId;
      look();
    });
    source.addEventListener("end", () => {
      source.close();
      connect();
    });
    // The browser would try the same permit again and again.
    source.addEventListener("error", () => {
      source.close();
      setLive(false);
      connectLater();
    });
  };

  if (bell) {
    tabs?.addEventListener("message", ({ data }) => {
      if (data.look) tell("bell:look");
      else if (data.hello && listens) tabs.postMessage({ live: isLive });
      else if ("live" in data && !listens) setLive(data.live);
    });
    const lead = () => {
      listens = true;
      connect();
      return new Promise(() => {}); // Until the tab is closed.
    };
    if (tabs && navigator.locks) {
      navigator.locks.request(name, lead).catch(() => {}); // The page was put away.
      tabs.postMessage({ hello: true });
    } else {
      lead();
    }
    document.addEventListener("bell:changed", () => tabs?.postMessage({ look: true }));
  }
}
