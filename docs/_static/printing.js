// On paper what is folded is open: a browser whose style sheets cannot open it has it done here.
// An exercise's answer is not, as a sheet is printed with or without them; a player opens its own.
(() => {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open], .ex-answer, .lfg-player *)")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
    opened = [];
  });
})();
