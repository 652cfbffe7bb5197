// The phone's position on a press, reports nearby, what the chosen category promises, and copying a code. Without
// this the place is written in words, reports nearby are shown once the report is made, and a code is selected.
for (const form of document.querySelectorAll("form[data-report]")) {
  const field = (name) => form.elements.namedItem(name);
  const button = form.querySelector("[data-locate]");
  const status = form.querySelector("[data-position]");
  const near = form.querySelector("[data-near]");
  const chosen = () => form.querySelector("input[name=category]:checked");

  const fill = (text, value) => text.replace("{value}", value);
  const tell = () => {
    const one = chosen();
    if (!one) return;
    for (const place of form.querySelectorAll("[data-next]")) {
      const value = one.dataset[place.dataset.next] || "";
      place.textContent = place.dataset.says ? fill(place.dataset.says, value) : value;
    }
    const submit = form.querySelector("[data-submit]");
    if (submit) submit.textContent = fill(submit.dataset.submit, one.dataset.name);
  };

  let asked = "";
  const look = async () => {
    const one = chosen();
    if (!near || !one || !field("latitude").value) return;
    const query = new URLSearchParams({
      category: one.value,
      latitude: field("latitude").value,
      longitude: field("longitude").value,
    }).toString();
    if (query === asked) return;
    asked = query;
    const answer = await fetch(`${form.dataset.report}?${query}`).catch(() => null);
    if (query !== asked) return;
    const text = answer && answer.ok ? await answer.text() : "";
    near.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  };

  form.addEventListener("change", (event) => {
    if (event.target.name === "category") tell();
    look();
  });
  if (button && "geolocation" in navigator) {
    button.hidden = false;
    button.addEventListener("click", () => {
      status.textContent = button.dataset.wait;
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          field("latitude").value = coords.latitude.toFixed(6);
          field("longitude").value = coords.longitude.toFixed(6);
          const metres = Math.max(1, Math.round(coords.accuracy));
          status.textContent = button.dataset.found.replace("{metres}", metres);
          look();
        },
        () => {
          status.textContent = button.dataset.failed;
        },
        { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 },
      );
    });
  }
  tell();
  look();
}
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
  });
}
