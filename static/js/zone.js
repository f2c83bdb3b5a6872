// Settings › Profile: offers the browser's time zone. Without it: the list alone.
"use strict";
{
  const offer = document.querySelector("[data-browser-zone]");
  const list = document.getElementById(offer.dataset.browserZone);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isListed = [...list.options].some((option) => option.value === zone);
  const show = () => (offer.hidden = !isListed || list.value === zone);
  const button = offer.querySelector("button");
  button.textContent = zone;
  button.addEventListener("click", () => {
    list.value = zone;
    show();
    list.focus();
  });
  list.addEventListener("change", show);
  show();
}
