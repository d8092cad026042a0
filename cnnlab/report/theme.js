"use strict";
// Without scripts a page is complete; what needs them appears with them.
for (const each of document.querySelectorAll(".script")) each.hidden = false;

// Dark or light: the system's choice until the button is pressed.
const root = document.documentElement;
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
