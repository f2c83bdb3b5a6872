// Menus, the bell, small comforts. Without it: menus open by themselves, the bell is a link.
"use strict";
{
  document.documentElement.classList.add("js");
  for (const part of document.querySelectorAll("[data-without-js]")) part.hidden = true;

  // --- Menus: one open at a time; Escape and a click elsewhere close ---
  const menus = () => document.querySelectorAll("details[data-menu][open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
      event.preventDefault(); // What is around it stays.
    }
  });

  document.querySelector("[data-focus]")?.focus();
  const strip = document.querySelector("[data-keep-current-in-view]");
  const current = strip?.querySelector("[aria-current]");
  if (current && strip.scrollWidth > strip.clientWidth) {
    strip.scrollLeft = current.offsetLeft - (strip.clientWidth - current.offsetWidth) / 2;
  }

  for (const form of document.querySelectorAll("form[data-filters]")) {
    // What is typed, a date as well, is not finished with the first key.
    form.addEventListener("change", (event) => event.target.matches("select, [type=checkbox]") && form.requestSubmit());
  }
}
