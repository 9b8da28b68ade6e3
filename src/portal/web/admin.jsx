// SPDX-License-Identifier: Apache-2.0
// Administration: parts as tabs, whose name stands in the address behind the #.
import { useEffect, useRef, useState } from "preact/hooks";
import { Audit } from "./admin/audit.jsx";
import { Health } from "./admin/health.jsx";
import { Keys } from "./admin/keys.jsx";
import { Storage } from "./admin/storage.jsx";
import { Users } from "./admin/users.jsx";
import { session } from "./api.js";
import { addTexts, t } from "./i18n.js";
import { ADMIN_TEXTS } from "./texts/admin.js";
import { Empty } from "./ui.jsx";
import "./styles/admin.css";

addTexts(ADMIN_TEXTS);

const TABS = [["users", Users], ["keys", Keys], ["storage", Storage], ["health", Health], ["audit", Audit]];
const named = () => TABS.find(([name]) => location.hash === `#${name}`)?.[0];

function useTab() {
  const [tab, setTab] = useState(named() ?? TABS[0][0]);
  useEffect(() => {
    const look = () => named() && setTab(named()); // the # may also be that of a link to a part of the page
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  const open = (name) => {
    history.replaceState(null, "", `#${name}`);
    setTab(name);
  };
  return [tab, open];
}

export function Admin() {
  const [tab, open] = useTab();
  const list = useRef();
  const onKey = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = TABS.findIndex(([name]) => name === tab);
    const next = Number.isFinite(step) ? (at + step + TABS.length) % TABS.length : step < 0 ? 0 : TABS.length - 1;
    open(TABS[next][0]);
    list.current.children[next].focus();
  };
  if (!session.admin) return <><h1>{t("admin")}</h1><Empty icon="admin" title={t("adm_only")} text={t("adm_only_text")} /></>;
  const View = TABS.find(([name]) => name === tab)[1];
  return (
    <>
      <div class="page-head"><h1>{t("admin")}</h1></div>
      <div class="tabs" role="tablist" aria-label={t("adm_tabs")} ref={list} onKeyDown={onKey}>
        {TABS.map(([name]) => (
          <button type="button" role="tab" id={`tab-${name}`} aria-selected={name === tab} aria-controls="tab-panel" tabindex={name === tab ? 0 : -1} onClick={() => open(name)}>
            {t(`adm_${name}`)}
          </button>
        ))}
      </div>
      <section id="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} tabindex="-1"><View key={tab} /></section>
    </>
  );
}
