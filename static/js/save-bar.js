// A form with a save bar: what is not saved is counted, marked (data-changed) and not lost without
// a question. Without it: a plain form with Save. Before the scripts that read the marks.
// "change" of the form itself has it counted anew.
"use strict";
{
  const form = document.querySelector("form[data-save-bar]");
  const save = form?.querySelector("[data-save]");
  const controls = form ? [...form.querySelectorAll("[data-cell]")] : [];
  let saving = false;
  // A page that gives back what was refused does not know yet what is stored.
  let isKnown = form && !("refused" in form.dataset);

  const options = (control) => [...(control.options ?? [])];
  const isChanged = (control) => {
    if (control.type === "checkbox") return control.checked !== control.defaultChecked;
    // Of a list without a stored choice a browser takes the first.
    if (control.options) return control.selectedIndex !== Math.max(0, options(control).findIndex((option) => option.defaultSelected));
    return control.value !== control.defaultValue;
  };
  const count = () => {
    for (const control of controls) control.toggleAttribute("data-changed", isChanged(control));
    const number = form.querySelectorAll("[data-changed]").length;
    const isNeeded = number > 0 || !isKnown;
    const words = JSON.parse(document.getElementById("unsaved-words").textContent);
    form.querySelector("[data-unsaved]").textContent = isKnown ? words[number] : "";
    save.disabled = form.querySelector("[data-cancel]").disabled = !isNeeded;
    // Only with something to save does the bar stay in view; then "saved" is no longer true.
    save.parentElement.classList.toggle("is-needed", isNeeded);
    if (isNeeded) for (const saved of document.querySelectorAll(".toast-success")) saved.remove();
    return isNeeded;
  };

  // What is stored becomes what "changed" means; what was entered stays.
  const settle = (page) => {
    for (const control of controls) {
      const { checked, value } = control;
      const stored = page.getElementById(control.id);
      if (control.type === "checkbox") control.defaultChecked = stored.defaultChecked;
      else if (control.options) options(control).forEach((option, i) => (option.defaultSelected = stored.options[i].defaultSelected));
      else control.defaultValue = stored.defaultValue;
      Object.assign(control, control.type === "checkbox" ? { checked } : { value });
    }
    isKnown = true;
    count();
  };
  const askWhatIsStored = async () => {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) settle(new DOMParser().parseFromString(await answer.text(), "text/html"));
  };

  if (save) {
    form.addEventListener("change", count);
    form.addEventListener("input", count); // A text counts while it is typed.
    form.addEventListener("reset", () => setTimeout(count));
    form.addEventListener("submit", () => (saving = true));
    addEventListener("beforeunload", (event) => {
      if (!saving && count()) event.preventDefault();
    });
    addEventListener("pageshow", () => {
      saving = false;
      count();
    });
    count();
    if (!isKnown) askWhatIsStored().catch(() => {}); // Offline: it can still be saved.
  }
}
