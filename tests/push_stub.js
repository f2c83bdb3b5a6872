// Chromium in tests reaches no push service, so its PushManager is replaced by one that hands out
// the subscription of the test, with real keys. Everything else is the browser's own.
{
  const given = SUBSCRIPTION;
  const behave = BEHAVIOUR; // "subscribe", "hang", "fail", or "slow": until someone calls `goOn`
  const told = behave === "slow" ? new Promise((goOn) => (window.goOn = goOn)) : null;
  const kept = () => JSON.parse(localStorage.getItem("stub"));
  const made = ({ json, key }) => ({
    endpoint: json.endpoint,
    options: {
      applicationServerKey: Uint8Array.from(
        atob(key.replaceAll("-", "+").replaceAll("_", "/")),
        (letter) => letter.charCodeAt(0),
      ).buffer,
    },
    toJSON: () => json,
    unsubscribe: async () => {
      localStorage.removeItem("stub");
      return true;
    },
  });
  PushManager.prototype.getSubscription = async () => {
    await told;
    return kept() ? made(kept()) : null;
  };
  PushManager.prototype.subscribe = async ({ applicationServerKey: key, userVisibleOnly }) => {
    if (!userVisibleOnly) throw new Error("Chromium asks for userVisibleOnly");
    document.documentElement.dataset.pushServiceAsked = "";
    if (behave === "hang") return new Promise(() => {});
    if (behave === "fail") throw new DOMException("no push service", "AbortError");
    localStorage.setItem("stub", JSON.stringify({ json: given, key }));
    return made(kept());
  };
}
