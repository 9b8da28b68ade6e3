// SPDX-License-Identifier: Apache-2.0
// What everybody may choose: the language and the colours. Cookies keep both.
import { useState } from "preact/hooks";
import { keep, language, LANGUAGES, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { IconButton } from "./ui.jsx";

export function Theme() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches;
  const [dark, setDark] = useState((document.documentElement.dataset.theme ?? (system ? "dark" : "light")) === "dark");
  const change = () => {
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    keep("cais-theme", dark ? "light" : "dark");
    setDark(!dark);
  };
  return <IconButton icon={dark ? "sun" : "moon"} label={t(dark ? "theme_light" : "theme_dark")} onClick={change} />;
}

export function Language() {
  const change = async (event) => {
    await keep("cais-language", event.currentTarget.value);
    location.reload();
  };
  return (
    <label class="language">
      <Icon name="language" />
      <span class="hidden">{t("language")}</span>
      <select value={language} onChange={change}>
        {LANGUAGES.map(([tag, name]) => <option value={tag} lang={tag}>{name}</option>)}
      </select>
    </label>
  );
}
