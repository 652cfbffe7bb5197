// Fields that other answers ask for appear and go at once, and the cities of an address are those of
// its province. Without this the server asks for such a field once the answer was sent, and the cities
// of all provinces stand in their groups.
(() => {
  const answers = (name) =>
    [...document.getElementsByName(name)].flatMap((control) => {
      if (control.matches(":disabled") || (control.type !== "hidden" && control.closest("[hidden]"))) return [];
      if (["radio", "checkbox"].includes(control.type)) return control.checked ? [control.value] : [];
      return [control.value];
    });
  const isAsked = (condition) =>
    Object.entries(condition).every(([name, wanted]) => answers(name).some((one) => wanted.includes(one)));

  for (const waiting of document.querySelectorAll("template[data-show-if]")) {
    const field = document.createElement("div");
    field.dataset.showIf = waiting.dataset.showIf;
    field.append(waiting.content);
    waiting.replaceWith(field);
  }
  // In the order of the page: a condition may be on a field that has one itself.
  const conditional = [...document.querySelectorAll("[data-show-if]")];
  const show = () => {
    for (const field of conditional) {
      const asked = isAsked(JSON.parse(field.dataset.showIf));
      field.hidden = !asked;
      for (const control of field.querySelectorAll("input, select, textarea, button")) control.disabled = !asked;
    }
  };
  const narrow = (address) => {
    const [province, city] = address.querySelectorAll("select");
    for (const group of city.querySelectorAll("optgroup")) {
      const other = province.value !== "" && group.dataset.province !== province.value;
      group.hidden = other;
      group.disabled = other;
    }
    const groups = [...city.querySelectorAll("optgroup:not([hidden]) option")];
    if (!groups.includes(city.selectedOptions[0])) city.value = groups.length === 1 ? groups[0].value : "";
  };
  const addresses = [...document.querySelectorAll("[data-cities-of]")];
  document.addEventListener("change", (event) => {
    show();
    const address = event.target.closest("[data-cities-of]");
    if (address && event.target === address.querySelector("select")) narrow(address);
  });
  show();
  addresses.filter((one) => one.querySelector("select").value).forEach(narrow);
})();
