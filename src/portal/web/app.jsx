// SPDX-License-Identifier: Apache-2.0
// The frame of every page: where one is, who one is, and the language and colours.
import { useEffect, useState } from "preact/hooks";
import { onSession, renewSession, session, sessionHasEnded } from "./api.js";
import { Language, Theme } from "./choices.jsx";
import { Files } from "./files.jsx";
import { addTexts, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { Jobs } from "./jobs.jsx";
import { lazy } from "./lazy.jsx";
import { COMMON_TEXTS } from "./texts/common.js";
import { Dialog, IconButton, NotesProvider } from "./ui.jsx";
import { DropAnywhere, Uploads } from "./uploads.jsx";

addTexts(COMMON_TEXTS);

// The pages, and whether only administrators see them. A page that not everybody opens is a script of its own: lazy(() => import(…), "View").
const PAGES = [
  { name: "files", path: "/portal", icon: "files", view: Files },
  { name: "data", path: "/portal/data", icon: "data", view: lazy(() => import("./data.jsx"), "Data"), admin: true },
  { name: "links", path: "/portal/links", icon: "link", view: lazy(() => import("./links.jsx"), "Links") },
  { name: "jobs", path: "/portal/jobs", icon: "imports", view: Jobs },
  { name: "admin", path: "/portal/admin", icon: "admin", view: lazy(() => import("./admin.jsx"), "Admin"), admin: true },
];

const OwnPassword = lazy(() => import("./password.jsx"), "OwnPassword");

const pageOf = (path) => PAGES.findLast((p) => path === p.path || path.startsWith(p.path + "/")) ?? PAGES[0];

function usePath() {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const back = () => setPath(location.pathname);
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const go = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState(null, "", event.currentTarget.href);
    setPath(location.pathname);
  };
  return [path, go];
}

function SessionOver() {
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const look = () => document.visibilityState === "visible" && renewSession().catch(() => {});
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  const check = async () => {
    const is = await renewSession().catch(() => false);
    setProblem(is ? "" : t("session_none"));
  };
  return (
    <Dialog title={t("session_title")}>
      <p>{t("session_text")}</p>
      {problem && <p class="problem" role="alert">{problem}</p>}
      <div class="buttons">
        <a class="button" href="/portal/login?next=/portal" target="_blank" rel="noopener">{t("session_open")}</a>
        <button type="button" class="quiet" onClick={check}>{t("session_check")}</button>
      </div>
    </Dialog>
  );
}

export function App() {
  const [path, go] = usePath();
  const [password, setPassword] = useState(false);
  const [isOver, setIsOver] = useState(sessionHasEnded());
  useEffect(() => onSession(setIsOver), []);
  const page = pageOf(path);
  const View = page.view;
  useEffect(() => {
    document.title = `${t(page.name)} · cais`;
  }, [page]);
  return (
    <NotesProvider>
      <a class="skip" href="#content">{t("skip")}</a>
      <header class="top">
        <a class="brand" href="/portal" onClick={go}>cais</a>
        <span class="spacer" />
        <Language />
        <Theme />
        <IconButton icon="key" label={t("own_password")} onClick={() => setPassword(true)} />
        <form method="post" action="/portal/logout" class="person">
          <input type="hidden" name="csrf" value={session.csrf} />
          <bdi class="login">{session.login}</bdi>
          <button class="icon-button" aria-label={t("sign_out")} title={t("sign_out")}><Icon name="out" /></button>
        </form>
      </header>
      {!session.hasPassword && (
        <div class="banner" role="status">
          <span>{t("no_password")}</span>
          <button type="button" class="quiet" onClick={() => setPassword(true)}>{t("choose_password")}</button>
        </div>
      )}
      <div class="frame">
        <nav class="pages" aria-label={t("navigation")}>
          {PAGES.filter((p) => !p.admin || session.admin).map((p) => (
            <a href={p.path} onClick={go} aria-current={p === page ? "page" : undefined}><Icon name={p.icon} /><span>{t(p.name)}</span></a>
          ))}
        </nav>
        <main id="content" tabindex="-1"><View path={path} go={go} /></main>
      </div>
      <Uploads />
      <DropAnywhere />
      {password && <OwnPassword close={() => setPassword(false)} />}
      {isOver && <SessionOver />}
    </NotesProvider>
  );
}
