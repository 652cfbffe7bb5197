// The amount follows what is chosen. Without this the server adds it up all the same.
for (const form of document.querySelectorAll("form[data-sum]")) {
  const boxes = [...form.querySelectorAll("input[data-minor]")];
  const shown = [...form.parentElement.querySelectorAll("[data-total]")];
  const button = form.querySelector("button[data-least]");
  if (boxes.length === 0 || !button) continue;
  const why = document.getElementById(button.getAttribute("aria-describedby"));
  const sign = shown[0].textContent.replace(/[\d.,\s]+$/, (end) => end.replace(/[\d.,]/g, ""));
  form.addEventListener("change", () => {
    const chosen = boxes.filter((box) => box.checked);
    const places = Number(boxes[0].dataset.decimals);
    const minor = chosen.reduce((sum, box) => sum + Number(box.dataset.minor), 0);
    const text = (minor / 10 ** places).toLocaleString("en", {
      minimumFractionDigits: places,
      maximumFractionDigits: places,
    });
    for (const place of shown) place.textContent = sign + text;
    const fine = chosen.some((box) => Number(box.dataset.minor) % Number(button.dataset.step));
    const small = minor < Number(button.dataset.least);
    const many = chosen.length > Number(button.dataset.most);
    const off = !chosen.length ? "none" : many ? "many" : fine ? "fine" : small ? "small" : "";
    const doubt = minor <= Number(button.dataset.refused) ? "doubt" : "";
    why.textContent = why.dataset[off || doubt] || "";
    button.disabled = off !== "";
  });
}
