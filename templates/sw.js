{% autoescape off %}// Shows pushes, and a page of ours while the network is away. Nothing else is kept or changed.
// Made by partnernotify/web_app.py, so that a new version of its files is a new worker.
"use strict";
const FACTS = {{ facts }};
const CACHE = [FACTS.offline, ...FACTS.files].join(" ");
// Safari ends a subscription whose pushes show nothing, whatever is open.
const MUST_SHOW = /Safari/.test(navigator.userAgent) && !/Chrom/.test(navigator.userAgent);

// --- The offline page: the same for everybody, asked for without a sign-in ---
const keep = async () => {
  const plain = { credentials: "omit", cache: "reload" };
  const cache = await caches.open(CACHE);
  await cache.addAll([FACTS.offline, ...FACTS.files].map((url) => new Request(url, plain)));
  await self.skipWaiting();
};
const tidy = async () => {
  const others = (await caches.keys()).filter((name) => name !== CACHE);
  await Promise.all(others.map((name) => caches.delete(name)));
};
self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const file = FACTS.files.find((path) => new URL(path, location.href).href === request.url);
  const kept = request.mode === "navigate" ? FACTS.offline : file;
  if (!kept || request.method !== "GET") return;
  event.respondWith(fetch(request).catch(() => caches.match(kept, { ignoreVary: true })));
});

// --- Pushes ---
const pages = () => clients.matchAll({ type: "window", includeUncontrolled: true });
const read = (data) => {
  try {
    return data.json() ?? {};
  } catch {
    return {}; // A push must show something, whatever it says.
  }
};
const show = async ({ type, title, body, language, tag, silent, url, action, why }) => {
  // Who looks at a page of ours has its bell.
  const looks = (await pages()).some((page) => page.focused && page.visibilityState === "visible");
  if (looks && type !== "test" && !MUST_SHOW) return;
  await self.registration.showNotification(title ?? FACTS.nothing_said, {
    body,
    lang: language,
    tag,
    silent: silent ?? false,
    icon: FACTS.icon,
    badge: FACTS.badge,
    data: { url: url ?? FACTS.inbox, why: why?.url },
    actions: [
      ...(action ? [{ action: "open", title: action }] : []),
      ...(why ? [{ action: "why", title: why.label }] : []),
    ],
  });
};
self.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));

// --- A click: on the notification or on one of its buttons ---
const open = async (address) => {
  // This site, whatever its name was when the message was written.
  const { pathname, search } = new URL(address, location.href);
  const url = location.origin + pathname + search;
  const page = (await pages()).find((one) => one.url.split("#")[0] === url);
  return page ? page.focus() : clients.openWindow(url);
};
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url, why } = event.notification.data;
  event.waitUntil(open(event.action === "why" ? why : url));
});

// --- The push service gave the browser another subscription ---
const follow = async ({ oldSubscription, newSubscription }) => {
  const asked = await fetch(FACTS.here);
  if (asked.redirected || !asked.ok) return; // Signed out: the next page sees to it.
  const { key, token } = await asked.json();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const subscription = newSubscription ?? (await self.registration.pushManager.subscribe(options));
  await fetch(FACTS.here, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify({ subscription, former: oldSubscription?.endpoint }),
  });
};
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(follow(event)));
{% endautoescape %}
