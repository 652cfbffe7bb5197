// Fields that other answers ask for appear and go at once, the cities of an address are those of its
// province, its districts those of its city. Without this the server asks for such a field, and for the
// district, once the answer was sent, and the cities of all provinces stand in their groups.
(() => {
  const answers = (name) =>
    [...document.getElementsByName(name)].flatMap((control) => {
      if (control.matches(":disabled") || (control.type !== "hidden" && control.closest("[hidden]"))) return [];
      if (["radio", "checkbox"].includes(control.type)) return control.checked ? [control.value] : [];
      return [control.value];
    });
  const isAsked = (condition) =>
    Object.entries(condition).every(([name, wanted]) => answers(name).some((one) => wanted.includes(one)));

  // One by one, as one may stand in another.
  for (let waiting; (waiting = document.querySelector("template[data-show-if]")); ) {
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
  const askDistrict = async (address) => {
    const city = address.querySelectorAll("select")[1].value;
    if (address.dataset.city === city) return;
    address.dataset.city = city;
    const place = address.querySelector("[data-district]");
    place.replaceChildren();
    if (!city) return;
    const answer = await fetch(address.dataset.counties + city).catch(() => null);
    const { counties } = answer && answer.ok ? await answer.json() : {};
    // What did not come is asked for by the next page.
    if (!counties || address.dataset.city !== city) return;
    const template = address.querySelector(`[data-district-of=${counties.length ? "list" : "words"}]`);
    place.append(template.content.cloneNode(true));
    const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
    for (const { code, name } of counties) place.querySelector("select").add(new Option(name[language], code));
  };
  const addresses = [...document.querySelectorAll("[data-cities-of]")];
  document.addEventListener("change", (event) => {
    show();
    const address = event.target.closest("[data-cities-of]");
    if (!address || event.target.closest("[data-district]")) return;
    if (event.target === address.querySelector("select")) narrow(address);
    askDistrict(address);
  });
  show();
  for (const one of addresses) one.dataset.city = one.querySelectorAll("select")[1].value;
  for (const one of addresses.filter((one) => one.querySelector("select").value)) {
    narrow(one);
    askDistrict(one);
  }
})();
