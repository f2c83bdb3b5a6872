/* Reports what a visitor of the pretend website does, as a customer's own page would.
   Without it, the forms are sent to the server and it reports. */
(() => {
  "use strict";

  const { pageUrl, visitorEmail, visitorName } = document.body.dataset;
  const KEY = "demo.visitor";

  // Somebody else today: another browser, as far as events can tell.
  if (localStorage.getItem(KEY) !== (visitorEmail || "")) {
    window.partnernotify("reset");
    localStorage.setItem(KEY, visitorEmail || "");
  }
  if (visitorEmail) window.partnernotify("identify", { email: visitorEmail, name: visitorName });
  window.partnernotify("page", { url: pageUrl, path: new URL(pageUrl).pathname });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-event]");
    if (!form) return;
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    if (fields.email.toLowerCase() !== visitorEmail) window.partnernotify("reset");
    window.partnernotify("identify", { email: fields.email, name: fields.name });
    window.partnernotify("track", form.dataset.event, { company: fields.company, url: pageUrl });
    const thanks = document.getElementById(form.dataset.thanks);
    form.hidden = true;
    thanks.hidden = false;
    thanks.focus();
  });

  const list = document.querySelector("[data-outcomes]");
  const clear = document.querySelector("[data-clear]");
  const since = localStorage.getItem("demo.since");
  const follow = (moment) => {
    const url = new URL(list.dataset.outcomes, location.href);
    if (moment) url.searchParams.set("since", moment);
    list.dataset.live = url.pathname + url.search;
  };
  follow(since);
  clear.hidden = false;
  clear.addEventListener("click", () => {
    localStorage.setItem("demo.since", Date.now());
    follow(Date.now());
  });
})();
