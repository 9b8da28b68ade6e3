// SPDX-License-Identifier: Apache-2.0
// The secret stands behind the # of the address. It goes into the form, and out of the address and the history.
const secret = location.hash.slice(1);
const form = document.querySelector("form");
history.replaceState(null, "", location.pathname);
if (secret && form) {
  form.elements.secret.value = secret;
  form.submit();
}
