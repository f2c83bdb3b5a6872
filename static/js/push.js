// This browser as one that takes pushes: its service worker, its subscription, the end of both at
// the log-out, and what the tabs "Desktop" and "Mobile app" say of it.
// Without it: no pushes and no offline page; the tabs say so.
"use strict";
{
  const { key, here, person } = document.currentScript.dataset;
  const KNOWN = "push"; // What the server was last told: {person, address, at}.
  const ONCE_A_DAY = 24 * 3600 * 1000;
  const CONNECT_MS = 15_000;
  const LEAVE_MS = 1_000;
  const canPush = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

  const within = (milliseconds, promise) =>
    Promise.race([promise, new Promise((_, reject) => setTimeout(reject, milliseconds, new Error("too late")))]);
  const post = async (url, body) => {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.redirected || (!answer.ok && answer.status !== 422)) throw new Error(answer.status);
    return answer.json();
  };
  const pushes = async () => (await navigator.serviceWorker.ready).pushManager;
  const subscribe = async () =>
    (await pushes()).subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const keyOf = ({ options }) => {
    const bytes = new Uint8Array(options.applicationServerKey);
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  const remember = ({ endpoint }) =>
    localStorage.setItem(KNOWN, JSON.stringify({ person, address: endpoint, at: Date.now() }));
  const known = () => JSON.parse(localStorage.getItem(KNOWN)) ?? {};

  // --- Follow: tell the server what this browser subscribes to; once a day, or when it changed ---
  const follow = async ({ always }) => {
    const before = known();
    let subscription = await (await pushes()).getSubscription();
    const former = subscription?.endpoint ?? before.address;
    const isOld = subscription && keyOf(subscription) !== key;
    const isLost = !subscription && before.person === person;
    if (isOld) {
      remember(subscription); // Should the page be left meanwhile, the next one goes on.
      await subscription.unsubscribe();
    }
    if (isOld || isLost) {
      if (Notification.permission !== "granted") {
        localStorage.removeItem(KNOWN);
        return [];
      }
      subscription = await within(CONNECT_MS, subscribe());
    }
    if (!subscription) return [];
    const isNew = isOld || isLost || before.person !== person || before.address !== subscription.endpoint;
    if (!isNew && !always && Date.now() - before.at < ONCE_A_DAY) return [];
    const answer = await post(here, { subscription, former });
    if (answer.known) remember(subscription);
    else await leave();
    return answer.devices ?? [];
  };
  const leave = async () => {
    localStorage.removeItem(KNOWN);
    await (await (await pushes()).getSubscription())?.unsubscribe();
  };
  const start = async (always) => {
    if (!("serviceWorker" in navigator)) return [];
    const { serviceWorker } = navigator;
    if (!(await serviceWorker.getRegistration())) await serviceWorker.register("/sw.js");
    return canPush ? follow({ always }) : [];
  };

  // --- Log-out: this browser is nobody's then. The server forgets it in any case ---
  for (const form of document.querySelectorAll("form[data-log-out]")) {
    form.addEventListener("submit", (event) => {
      if (!canPush || !known().person) return;
      event.preventDefault();
      within(LEAVE_MS, leave()).catch(() => {}).finally(() => form.submit());
    });
  }

  // --- The tabs: may this browser be added, is it, and if not, why not ---
  const { userAgent, maxTouchPoints } = navigator;
  const isTablet = /Macintosh/.test(userAgent) && maxTouchPoints > 1; // An iPad calls itself a Mac.
  const isPhone = isTablet || /Android|iPhone|iPad|Mobile/.test(userAgent);
  const isApp = matchMedia("(display-mode: standalone)").matches;
  const isApple = isTablet || /iPhone|iPad/.test(userAgent);
  const stateOf = (card, devices) => {
    if ((card.dataset.devices === "mobile") !== isPhone) return "elsewhere";
    if (!isSecureContext) return "insecure";
    if (!canPush) return isApple && !isApp ? "home-screen" : "unsupported";
    if (Notification.permission === "denied") return "blocked";
    if (devices.some((pk) => card.querySelector(`[data-device="${pk}"]`))) return "here";
    return Notification.permission === "granted" ? "allowed" : "ask";
  };
  const show = (card, state, words = "") => {
    for (const part of card.querySelectorAll("[data-state]")) {
      part.hidden = part.dataset.state !== state;
      if (!part.hidden && words) part.querySelector("[data-words]").textContent = words;
    }
  };
  const mark = (card, devices) => {
    for (const tag of card.querySelectorAll("[data-device]")) tag.hidden = !devices.includes(Number(tag.dataset.device));
  };
  const reload = async (card) => {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const fresh = page.querySelector(`[data-devices="${card.dataset.devices}"] [data-device-list]`);
    card.querySelector("[data-device-list]").replaceChildren(...fresh.childNodes);
  };
  const add = async (card) => {
    show(card, "working");
    if ((await Notification.requestPermission()) !== "granted") return stateOf(card, []);
    // Started first: else the server may hear of the subscription before it is added, and refuse it.
    const subscription = await within(CONNECT_MS, started.then(subscribe));
    const { device, message } = await post(card.dataset.add, { channel: card.dataset.devices, subscription });
    if (!device) {
      show(card, "refused", message);
      return "refused";
    }
    remember(subscription);
    await reload(card);
    mark(card, [device]);
    // Where it goes is settled; that something goes there still waits for Save.
    const control = document.getElementById(card.dataset.switch);
    if (control.checked) return "here";
    control.checked = true;
    control.dispatchEvent(new Event("change", { bubbles: true }));
    return "unsaved";
  };
  let isAsked = false; // What is known from before says nothing then.
  const addAndSay = async (card) => {
    isAsked = true;
    const state = await add(card).catch(() => "failed");
    if (state !== "refused") show(card, state);
    card.querySelector("[data-state]:not([hidden])").focus();
  };

  const cards = [...document.querySelectorAll("[data-devices]")];
  const dialog = document.getElementById("device-dialog");
  for (const card of cards) {
    for (const button of card.querySelectorAll("[data-add-device]")) {
      button.addEventListener("click", () => {
        if (Notification.permission !== "default") return addAndSay(card);
        dialog.returnValue = "no";
        dialog.showModal();
        dialog.addEventListener("close", () => dialog.returnValue === "yes" && addAndSay(card), { once: true });
      });
    }
    show(card, stateOf(card, []));
  }
  const started = start(cards.length > 0)
    .then((devices) => {
      for (const card of cards) {
        if (isAsked) return;
        mark(card, devices);
        show(card, stateOf(card, devices));
      }
    })
    .catch(() => {}); // Offline, or storage is forbidden: the next page tries again.
}
