/* Tells your partners what their leads do on your website. On every page:

     <script defer src="https://YOUR-INSTANCE/static/js/partnernotify.js"
             data-write-key="pn_live_…"></script>

   Then, in scripts of yours that are deferred too:

     partnernotify("identify", "user-7", { email: "anna@acme.example", name: "Anna Nowak" });
     partnernotify("page");
     partnernotify("track", "Demo Requested", { plan: "team" });
     partnernotify("consent", "denied");   partnernotify("reset");

   Earlier calls wait if the page begins with
     window.partnernotify ||= (...call) => (window.partnernotify.queue ||= []).push(call);
   Without JavaScript nothing is reported. */
(() => {
  "use strict";

  const RETRY_AFTER_MS = 3000;
  const script = document.currentScript;
  const settings = {
    writeKey: script.dataset.writeKey || "",
    host: script.dataset.host || new URL(script.src).origin,
  };
  const memory = {};
  let waiting = [];

  // A browser may forbid storage: then the visitor is known on this page only.
  const read = (key) => {
    try {
      return JSON.parse(localStorage.getItem(`partnernotify.${key}`)) ?? memory[key];
    } catch {
      return memory[key];
    }
  };
  const write = (key, value) => {
    memory[key] = value;
    try {
      if (value === undefined) localStorage.removeItem(`partnernotify.${key}`);
      else localStorage.setItem(`partnernotify.${key}`, JSON.stringify(value));
    } catch { /* Kept in memory. */ }
  };

  // crypto.randomUUID exists only on https and localhost.
  const makeId = () =>
    [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
  const anonymousId = () => {
    if (!read("anonymousId")) write("anonymousId", makeId());
    return read("anonymousId");
  };

  const page = () => ({
    path: location.pathname,
    referrer: document.referrer,
    search: location.search,
    title: document.title,
    url: location.href,
  });
  // The person goes along with every event: a single request tells who did what.
  const context = () => ({
    consent: read("consent"),
    library: { name: "partnernotify.js", version: "1" },
    locale: navigator.language,
    page: page(),
    traits: read("traits"),
    userAgent: navigator.userAgent,
  });

  const add = (type, fields) => {
    if (!waiting.length) queueMicrotask(flush);
    waiting.push({
      type,
      anonymousId: anonymousId(),
      context: context(),
      messageId: `js-${makeId()}`,
      timestamp: new Date().toISOString(),
      userId: read("userId"),
      ...fields,
    });
  };

  const flush = () => {
    const batch = waiting;
    waiting = [];
    if (batch.length) send(batch, true);
  };

  // The same messageIds on the second try: what arrived already is not counted twice.
  const send = async (batch, mayRetry) => {
    const body = JSON.stringify({
      batch,
      sentAt: new Date().toISOString(),
      writeKey: settings.writeKey,
    });
    try {
      // text/plain needs no preflight; keepalive survives the page.
      const answer = await fetch(`${settings.host}/v1/batch`, {
        method: "POST",
        body,
        headers: { "Content-Type": "text/plain" },
        credentials: "omit",
        keepalive: body.length < 60000,
      });
      if (answer.status < 500 && answer.status !== 429) return;
    } catch { /* Offline, or the connection broke. */ }
    if (!mayRetry) return;
    if (navigator.onLine) setTimeout(send, RETRY_AFTER_MS, batch, false);
    else addEventListener("online", () => send(batch, false), { once: true });
  };

  const text = (value) => (typeof value === "string" ? value : undefined);
  const object = (...values) => values.find((value) => value && typeof value === "object") || {};

  const methods = {
    init: (options) => Object.assign(settings, options),
    identify: (user, traits) => {
      if (text(user)) write("userId", user);
      write("traits", { ...read("traits"), ...object(user, traits) });
      add("identify", { traits: read("traits") });
    },
    page: (name, properties) =>
      add("page", {
        name: text(name) || document.title,
        properties: { ...page(), ...object(name, properties) },
      }),
    track: (event, properties) => add("track", { event, properties: object(properties) }),
    consent: (status) => write("consent", status === "denied" ? { status } : undefined),
    reset: () => ["anonymousId", "userId", "traits"].forEach((key) => write(key, undefined)),
  };

  const early = window.partnernotify?.queue || [];
  window.partnernotify = (method, ...values) => methods[method]?.(...values);
  early.forEach((call) => window.partnernotify(...call));
})();
