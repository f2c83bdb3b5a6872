// Partners › Communication saves at once. Without it: a Save button.
"use strict";
{
  const form = document.querySelector("form[data-autosave]");
  const status = document.querySelector("[data-autosave-status]");
  const controls = [...form.elements].filter((control) => control.type !== "hidden" && control.type !== "submit");
  const [receive, recipient] = ["receive_lead_activity", "recipient"].map((name) => form.elements[name]);
  const KEY_RESTS_MS = 1500;
  let resting = 0;
  let fade = 0;
  let waiting = 0;

  const say = (words, isBad) => {
    clearTimeout(fade);
    status.textContent = words;
    status.classList.toggle("is-bad", isBad);
    if (!isBad) fade = setTimeout(() => (status.textContent = ""), 3000);
  };

  // The list waits for its switch; without a script it never does.
  const follow = () => (recipient.disabled = receive.disabled || !receive.checked);

  // Copies: a select chooses anew while its options are taken away one by one.
  const copies = (part) => [...part.childNodes].map((node) => node.cloneNode(true));

  // What the server now shows becomes what "put back" means.
  const settle = (page) => {
    for (const part of document.querySelectorAll("[data-refresh]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh) continue;
      part.replaceChildren(...copies(fresh));
      if ("disabled" in part) part.disabled = fresh.disabled;
    }
    if (waiting > 1 || resting) return; // A later change must not be overwritten.
    for (const control of controls) {
      const fresh = page.getElementById(control.id);
      if (control.type === "checkbox") {
        control.checked = control.defaultChecked = fresh.checked;
      } else {
        control.replaceChildren(...copies(fresh));
        control.value = fresh.value;
      }
      control.disabled = fresh.disabled;
    }
    follow();
  };
  const putBack = () => {
    form.reset();
    follow();
  };

  const save = async (control, body) => {
    control.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body, keepalive: true });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && page.getElementById(form.id)) {
        settle(page);
        say(form.dataset.saved, false);
      } else {
        putBack();
        const why = page.querySelector("#recipient-errors .error")?.textContent ?? "";
        say(`${form.dataset.refused} ${why}`.trim(), true);
      }
    } catch {
      putBack();
      say(form.dataset.failed, true);
    } finally {
      control.removeAttribute("aria-busy");
      waiting -= 1;
    }
  };

  // One save at a time, in the order of the changes.
  let queue = Promise.resolve();
  const saveSoon = (control) => {
    follow();
    const body = new FormData(form);
    waiting += 1;
    queue = queue.then(() => save(control, body));
  };

  // Arrow keys change the closed list with every press: who is only passed by is not chosen.
  // It counts when the list is left, with Enter, or when the keys have rested a while.
  let byKey = false;
  const chosen = () => {
    if (!resting) return;
    clearTimeout(resting);
    resting = 0;
    saveSoon(recipient);
  };
  recipient.addEventListener("keydown", (event) => {
    byKey = true;
    if (event.key === "Enter") chosen();
  });
  recipient.addEventListener("pointerdown", () => (byKey = false));
  recipient.addEventListener("blur", chosen);
  recipient.addEventListener("change", () => {
    clearTimeout(resting);
    resting = byKey ? setTimeout(chosen, KEY_RESTS_MS) : 0;
    if (!byKey) saveSoon(recipient);
  });
  for (const control of controls) {
    if (control !== recipient) control.addEventListener("change", () => saveSoon(control));
  }
  follow();
}
