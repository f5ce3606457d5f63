// Makes and uses keys (Web Authentication) for pages that show a self-service flow.
//
// Every function is found on `window` under two names, `ory…` and `__ory…`; the event `oryWebAuthnInitialized` says that
// they are there. A button with the attribute `data-onclick-trigger="NAME"` calls the function NAME without any code in the
// page, so that a policy without inline scripts can stay.
(function () {
  "use strict";

  if (typeof window === "undefined") {
    return;
  }
  if (!window.PublicKeyCredential) {
    console.log("This browser does not support WebAuthn!");
    return;
  }
  if (window.__oryWebAuthnInitialized) {
    return;
  }

  // --- bytes and text -------------------------------------------------------------------------------------------------

  function toBytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/").replace(/=+$/, ""));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  function toText(buffer) {
    const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
    return btoa(letters.join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(listed) {
    return listed.map((known) => Object.assign({}, known, { id: toBytes(known.id) }));
  }

  // --- what goes to the browser, and what comes back ------------------------------------------------------------------

  function forCreation(options, name) {
    const wanted = Object.assign({}, options.publicKey);
    wanted.user = Object.assign({}, wanted.user, { id: toBytes(wanted.user.id) });
    if (name !== undefined) {
      wanted.user.name = name;
      wanted.user.displayName = name;
    }
    wanted.challenge = toBytes(wanted.challenge);
    if (wanted.excludeCredentials) {
      wanted.excludeCredentials = withBytes(wanted.excludeCredentials);
    }
    return { publicKey: wanted };
  }

  function forRequest(options) {
    const wanted = Object.assign({}, options.publicKey);
    wanted.challenge = toBytes(wanted.challenge);
    if (wanted.allowCredentials) {
      wanted.allowCredentials = withBytes(wanted.allowCredentials);
    }
    return { publicKey: wanted };
  }

  function answer(credential, names) {
    const response = {};
    names.forEach((name) => {
      const part = credential.response[name];
      response[name] = part ? toText(part) : "";
    });
    return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
  }

  function created(credential) {
    return answer(credential, ["attestationObject", "clientDataJSON"]);
  }

  function asserted(credential) {
    return answer(credential, ["authenticatorData", "clientDataJSON", "signature", "userHandle"]);
  }

  // --- the form -------------------------------------------------------------------------------------------------------

  function named(name) {
    return document.getElementsByName(name)[0];
  }

  // The page may have a field named `submit`, which would hide the form's own function.
  function send(field, value, near) {
    field.value = value;
    HTMLFormElement.prototype.submit.call((near || field).closest("form"));
  }

  function optionsOf(trigger) {
    return JSON.parse(trigger.value);
  }

  // The first field that is filled in gives the key its name.
  function displayName(data, form) {
    const listed = data.displayNameFieldNames;
    const names = Array.isArray(listed) && listed.length > 0 ? listed : [data.displayNameFieldName];
    const fields = Array.from(form ? form.elements : []);
    const filled = names.map((name) => fields.find((field) => field.name === name && field.value));
    const first = filled.find(Boolean);
    return first ? first.value : "";
  }

  // --- security keys --------------------------------------------------------------------------------------------------

  function WebAuthnRegistration(
    options,
    resultSelector = '*[name="webauthn_register"]',
    triggerSelector = '*[name="webauthn_register_trigger"]',
  ) {
    const trigger = document.querySelector(triggerSelector);
    return navigator.credentials
      .create(forCreation(options || optionsOf(trigger)))
      .then((credential) => send(document.querySelector(resultSelector), created(credential), trigger))
      .catch((error) => alert(error));
  }

  function WebAuthnLogin(
    options,
    resultSelector = '*[name="webauthn_login"]',
    triggerSelector = '*[name="webauthn_login_trigger"]',
  ) {
    const trigger = document.querySelector(triggerSelector);
    return navigator.credentials
      .get(forRequest(options || optionsOf(trigger)))
      .then((credential) => send(document.querySelector(resultSelector), asserted(credential), trigger))
      .catch((error) => alert(error));
  }

  // --- passkeys -------------------------------------------------------------------------------------------------------

  function PasskeyRegistration() {
    const [given, result] = [named("passkey_create_data"), named("passkey_register")];
    if (!given || !result) {
      console.debug("PasskeyRegistration: the page has no fields for a passkey");
      return undefined;
    }
    const data = JSON.parse(given.value);
    const options = forCreation(data.credentialOptions, displayName(data, result.closest("form")));
    return navigator.credentials
      .create(options)
      .then((credential) => send(result, created(credential)))
      .catch((error) => console.error(error));
  }

  function PasskeySettingsRegistration() {
    const [given, result] = [named("passkey_create_data"), named("passkey_settings_register")];
    if (!given || !result) {
      console.debug("PasskeySettingsRegistration: the page has no fields for a passkey");
      return undefined;
    }
    return navigator.credentials
      .create(forCreation(JSON.parse(given.value)))
      .then((credential) => send(result, created(credential)))
      .catch((error) => console.error(error));
  }

  function stopWaiting() {
    if (window.abortPasskeyConditionalUI) {
      window.abortPasskeyConditionalUI.abort("another request for a passkey begins");
      window.abortPasskeyConditionalUI = undefined;
    }
  }

  function PasskeyLogin() {
    const [given, result] = [named("passkey_challenge"), named("passkey_login")];
    if (!given || !result) {
      console.debug("PasskeyLogin: the page has no fields for a passkey");
      return undefined;
    }
    stopWaiting();
    return navigator.credentials
      .get(forRequest(JSON.parse(given.value)))
      .then((credential) => send(result, asserted(credential)))
      .catch((error) => {
        if (error instanceof DOMException && error.name === "SecurityError") {
          console.error("Is this page below the domain that the passkeys are made for, and served over TLS?");
        }
        console.error(error);
        return PasskeyLoginAutocompleteInit();
      });
  }

  async function PasskeyLoginAutocompleteInit() {
    const [given, result, identifier] = [named("passkey_challenge"), named("passkey_login"), named("identifier")];
    if (!given || !result || !identifier) {
      console.debug("PasskeyLoginAutocompleteInit: the page has no fields for a passkey");
      return;
    }
    const available = window.PublicKeyCredential.isConditionalMediationAvailable;
    if (window.Cypress || !available || !(await available.call(window.PublicKeyCredential))) {
      return;
    }
    stopWaiting();
    const waiting = new AbortController();
    window.abortPasskeyConditionalUI = waiting;
    const wanted = Object.assign(forRequest(JSON.parse(given.value)), {
      mediation: "conditional",
      signal: waiting.signal,
    });
    await navigator.credentials
      .get(wanted)
      .then((credential) => send(result, asserted(credential)))
      .catch((error) => console.log(error));
  }

  // --- the page -------------------------------------------------------------------------------------------------------

  const functions = {
    WebAuthnRegistration,
    WebAuthnLogin,
    PasskeyRegistration,
    PasskeySettingsRegistration,
    PasskeyLogin,
    PasskeyLoginAutocompleteInit,
  };
  Object.keys(functions).forEach((name) => {
    window["ory" + name] = functions[name];
    window["__ory" + name] = functions[name];
  });

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-onclick-trigger]");
    const name = button && button.getAttribute("data-onclick-trigger").replace(/^(__)?ory/, "");
    if (name && Object.prototype.hasOwnProperty.call(functions, name)) {
      functions[name]();
    }
  });

  window.__oryWebAuthnInitialized = true;
  window.dispatchEvent(new CustomEvent("oryWebAuthnInitialized"));
})();
