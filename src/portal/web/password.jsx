// SPDX-License-Identifier: Apache-2.0
// One's own password. Changing it ends every session, this one included, so the page leads to the sign-in.
import { useState } from "preact/hooks";
import { ask, session } from "./api.js";
import { addTexts, t } from "./i18n.js";
import { PASSWORD_TEXTS } from "./texts/password.js";
import { Dialog, Problem } from "./ui.jsx";

addTexts(PASSWORD_TEXTS);

export function OwnPassword({ close }) {
  const [problem, setProblem] = useState("");
  const [error, setError] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    const { current, fresh, again } = event.currentTarget.elements;
    setError(null);
    if (fresh.value !== again.value) return setProblem(t("pw_differ"));
    setProblem("");
    try {
      await ask("PUT", "/v1/native/password", { body: { password: fresh.value, ...(session.hasPassword && { current: current.value }) } });
      location.assign(`/portal/login?next=${encodeURIComponent(location.pathname)}`);
    } catch (failed) {
      if (failed.code === "forbidden") setProblem(t("pw_wrong"));
      else setError(failed);
    }
  };
  return (
    <Dialog title={t("pw_title")} close={close}>
      <form onSubmit={save}>
        {error && <Problem error={error} />}
        {problem && <p class="problem" role="alert">{problem}</p>}
        <input class="hidden" name="username" autocomplete="username" value={session.login} readonly tabindex="-1" aria-hidden="true" />
        {session.hasPassword && <label class="field">{t("pw_current")}<input type="password" name="current" autocomplete="current-password" required /></label>}
        <label class="field">{t("pw_new")}<input type="password" name="fresh" autocomplete="new-password" required minlength="8" maxlength="1024" /></label>
        <label class="field">{t("pw_again")}<input type="password" name="again" autocomplete="new-password" required /></label>
        <p class="soft">{t("pw_rule")}</p>
        <div class="buttons">
          <button>{t("save")}</button>
          <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
        </div>
      </form>
    </Dialog>
  );
}
