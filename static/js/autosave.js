// Partners › Communication saves at once. Without it: a Save button.
"use strict";
{
  const form = document.querySelector("form[data-autosave]");
  const status = document.querySelector("[data-autosave-status]");
  const controls = [...form.elements].filter((control) => control.type !== "hidden" && control.type !== "submit");
  const { receive_lead_activity: receive, recipient } = form.elements;
  const lists = controls.filter((control) => control.type === "select-one");
  const RESTS_MS = 1500;
  let resting = 0;
  let restingList = null;
  let fade = 0;
  let waiting = 0;

  const say = (words, tone) => {
    clearTimeout(fade);
    status.textContent = words;
    status.dataset.tone = tone;
    if (tone === "good") fade = setTimeout(() => (status.textContent = ""), 3000);
  };

  // The recipient waits for the switch; without a script never. The other lists are of deals, too.
  const follow = () => (recipient.disabled = receive.disabled || !receive.checked);

  // Copies: a select chooses anew while its options are taken away one by one.
  const copies = (part) => [...part.childNodes].map((node) => node.cloneNode(true));

  const refresh = (page) => {
    for (const part of document.querySelectorAll("[data-refresh]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh) continue;
      part.replaceChildren(...copies(fresh));
      if ("disabled" in part) part.disabled = fresh.disabled;
    }
  };

  // What the server now shows becomes what "put back" means.
  const settle = (page) => {
    refresh(page);
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
      const shown = `initial-${control.id}`; // Only what differs from it is this person's change.
      document.getElementById(shown).value = page.getElementById(shown).value;
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
        say(form.dataset.saved, "good");
      } else {
        putBack();
        const why = page.querySelector(".field .error")?.textContent ?? "";
        say(`${form.dataset.refused} ${why}`.trim(), "bad");
      }
    } catch {
      putBack();
      say(form.dataset.failed, "bad");
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
    saveSoon(restingList);
  };
  for (const list of lists) {
    list.addEventListener("keydown", (event) => {
      byKey = true;
      if (event.key === "Enter") chosen();
    });
    list.addEventListener("pointerdown", () => (byKey = false));
    list.addEventListener("blur", chosen);
    list.addEventListener("change", () => {
      clearTimeout(resting);
      restingList = list;
      resting = byKey ? setTimeout(chosen, RESTS_MS) : 0;
      if (!byKey) saveSoon(list);
    });
  }
  for (const control of controls) {
    if (!lists.includes(control)) control.addEventListener("change", () => saveSoon(control));
  }
  follow();

  // Rows that come and go, each with its forms: the server draws them anew, and one stays
  // where one was.
  const rows = document.querySelector("[data-part]");
  let rowsWaiting = 0;

  // All actions or some of them: the box for all goes with the others, as the one of topics does.
  const followAll = (rowForm) => {
    const [every, ...actions] = rowForm.querySelectorAll("[type=checkbox]");
    if (!every) return;
    every.checked = actions.every((action) => action.checked);
    every.indeterminate = !every.checked && actions.some((action) => action.checked);
  };

  const redraw = (fresh) => {
    const open = [...rows.querySelectorAll("details[open]")].map((details) => details.id);
    const focused = rows.contains(document.activeElement) && document.activeElement.id;
    const wasInside = focused !== false;
    rows.replaceChildren(...copies(fresh));
    rows.querySelectorAll("form").forEach(followAll);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (wasInside) (document.getElementById(focused) ?? rows.querySelector("[tabindex]")).focus();
  };

  const saveRow = async (rowForm, body) => {
    try {
      const answer = await fetch(rowForm.action, { method: "POST", body, keepalive: true });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(rows.id);
      const why = fresh?.querySelector(".error")?.textContent ?? "";
      refresh(page);
      if (fresh && rowsWaiting === 1 && !ticked) redraw(fresh); // Else a later change is on its way.
      if (answer.ok && fresh) say(form.dataset.saved, "good");
      else say(`${form.dataset.refused} ${why}`.trim(), "bad");
    } catch {
      rowForm.reset();
      followAll(rowForm);
      say(form.dataset.failed, "bad");
    } finally {
      rowsWaiting -= 1;
    }
  };

  const saveRowSoon = (rowForm) => {
    const body = new FormData(rowForm);
    rowsWaiting += 1;
    queue = queue.then(() => saveRow(rowForm, body));
  };
  rows.addEventListener("submit", (event) => {
    event.preventDefault();
    saveRowSoon(event.target);
  });

  // Ticks are one change once they have rested a while, or when the list is left.
  let ticked = null;
  let ticksRest = 0;
  const saveTicks = () => {
    const rowForm = ticked;
    clearTimeout(ticksRest);
    ticked = null;
    if (rowForm) saveRowSoon(rowForm);
  };
  rows.addEventListener("change", ({ target }) => {
    if (target.type !== "checkbox") return;
    if (ticked !== target.form) saveTicks();
    ticked = target.form;
    const [every, ...actions] = ticked.querySelectorAll("[type=checkbox]");
    if (target === every) for (const action of actions) action.checked = every.checked;
    followAll(ticked);
    clearTimeout(ticksRest);
    if (actions.some((action) => action.checked)) ticksRest = setTimeout(saveTicks, RESTS_MS);
    else say(rows.dataset.none, "hint");
  });
  rows.addEventListener("focusout", ({ relatedTarget: next }) => {
    if (next && !ticked?.contains(next)) saveTicks();
  });
  addEventListener("pagehide", saveTicks);
  rows.querySelectorAll("form").forEach(followAll);
}
