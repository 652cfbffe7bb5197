// Making and using a passkey. The page works without this, with codes.
const form = document.querySelector("form[data-passkey]");
if (form && window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    const said = form.querySelector("[role=alert]");
    said.hidden = true;
    try {
      const options = JSON.parse(form.dataset.options);
      const answer =
        form.dataset.passkey === "make"
          ? await navigator.credentials.create({
              publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
            })
          : await navigator.credentials.get({
              publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
            });
      form.elements.answer.value = JSON.stringify(answer.toJSON());
      form.submit();
    } catch {
      said.hidden = false;
    }
  });
}
