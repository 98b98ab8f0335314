// Passkeys: a form with data-passkey ("create" or "get") asks the device before it is sent, and sends its answer along.
// What the device is asked stands in the page (data-options: an id) or at an address (data-options-url).
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const known = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

  const options = async (form) => {
    if (form.dataset.options) return JSON.parse(document.getElementById(form.dataset.options).textContent);
    const response = await fetch(form.dataset.optionsUrl, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  };
  const create = async ({ creation_options: { publicKey: wanted } }) => {
    const user = { ...wanted.user, id: bytes(wanted.user.id) };
    return navigator.credentials.create({ publicKey: { ...wanted, user, challenge: bytes(wanted.challenge), excludeCredentials: known(wanted.excludeCredentials) } });
  };
  const get = async ({ request_options: { publicKey: wanted } }) =>
    navigator.credentials.get({ publicKey: { ...wanted, challenge: bytes(wanted.challenge), allowCredentials: known(wanted.allowCredentials) } });

  const answer = ({ id, rawId, type, response, authenticatorAttachment }, extensions) => {
    const said = { clientDataJSON: text(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (response[name]) said[name] = text(response[name]);
    if (response.getTransports) said.transports = response.getTransports();
    return { id, rawId: text(rawId), type, response: said, authenticatorAttachment, clientExtensionResults: { credProps: extensions.credProps } };
  };
  const words = (error) => ({
    NotAllowedError: "Nothing was chosen, or it took too long. Try again.",
    InvalidStateError: "This device has a passkey for you already.",
    SecurityError: /^[\d.]+$|:/.test(location.hostname)
      ? "Passkeys go with a name, not with a number: open this site as localhost, or by its name."
      : "Passkeys need this site’s own name and an encrypted connection (https).",
  })[error.name] || "That did not work. Reload the page and try again.";

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) {
      const says = form.querySelector("[data-passkey-says]");
      says.textContent = "This browser can’t use passkeys here. They need an encrypted connection (https).";
      says.hidden = false;
      continue;  // the sign-in does without: its form stays hidden
    }
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      const field = form.elements.credential, says = form.querySelector("[data-passkey-says]"), button = form.querySelector("button");
      if (field.value) return;
      event.preventDefault();
      if (form.dataset.asking) return;
      form.dataset.asking = "yes";
      says.hidden = true;
      try {
        const made = await (form.dataset.passkey === "create" ? create : get)(await options(form));
        field.value = JSON.stringify(answer(made, made.getClientExtensionResults()));
        form.requestSubmit(button);
      } catch (error) {
        says.textContent = words(error);
        says.hidden = false;
      }
      delete form.dataset.asking;
    });
    addEventListener("pageshow", ({ persisted }) => { if (persisted) form.elements.credential.value = ""; });  // each answer is good once
  }
})();
