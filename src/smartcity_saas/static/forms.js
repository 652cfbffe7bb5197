// A switch of language or text size carries what is typed and not sent yet: the form last typed
// into, without passwords, codes and files. Without this the switch is a link, and that is lost.
(() => {
  const secret = (field) =>
    ["password", "file"].includes(field.type) ||
    field.autocomplete === "one-time-code" ||
    field.name === "csrf_token";
  const ticked = (field) => ["checkbox", "radio"].includes(field.type);
  const changed = (field) => {
    if (field.type === "hidden" || secret(field)) return false;
    if (ticked(field)) return field.checked !== field.defaultChecked;
    if (field.tagName !== "SELECT") return "defaultValue" in field && field.value !== field.defaultValue;
    const first = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, first);
  };
  let typedInto = null;
  document.addEventListener("input", (event) => {
    typedInto = event.target.form || typedInto;
  });
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-switch]");
    if (!pressed || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const forms = [typedInto, ...document.forms].filter((form) => form && form.isConnected);
    const form = forms.find((one) => [...one.elements].some(changed));
    if (!form) return;
    event.preventDefault();
    const carried = document.createElement("form");
    const carry = (name, value) => {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      carried.append(field);
    };
    carry("_form", (form.getAttribute("action") || location.pathname).split("?")[0]);
    for (const field of form.elements) {
      const sent = field.name && !field.disabled && !["submit", "button"].includes(field.type);
      if (sent && !secret(field) && (!ticked(field) || field.checked)) carry(field.name, field.value);
    }
    carried.method = "post";
    carried.action = pressed.href || pressed.formAction;
    carried.hidden = true;
    document.body.append(carried);
    carried.submit();
  });
})();

// A form that is pressed twice is sent once. What is pressed again within five seconds waits for the
// answer that is on its way; a page that comes back from the browser's history begins anew.
(() => {
  let pressed = new WeakMap();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter || {};
    const method = button.formMethod || form.getAttribute("method") || "get";
    if (event.defaultPrevented || method.toLowerCase() !== "post") return;
    const what = [button.name, button.value, button.formAction].join("\n");
    const before = pressed.get(form);
    const again = before && before.what === what && event.timeStamp - before.at < 5000;
    if (again) event.preventDefault();
    else pressed.set(form, { what, at: event.timeStamp });
  });
  addEventListener("pageshow", () => {
    pressed = new WeakMap();
  });
})();
