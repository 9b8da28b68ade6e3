// SPDX-License-Identifier: Apache-2.0
// The page behind a link: whoever has it, and no account, sends files, and sees nothing else. The secret stands behind the # of the
// address and goes only into the header Authorization. It stays in the address, so that the page can be opened again, and goes on with
// what it has begun.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./styles/common.css";
import { get, noteSession, onSession, session } from "./api.js";
import { Language, Theme } from "./choices.jsx";
import { addTexts, bytes, shown, t, time } from "./i18n.js";
import { queue } from "./queue.js";
import { COMMON_TEXTS } from "./texts/common.js";
import { DROP_TEXTS } from "./texts/drop.js";
import { Empty, NotesProvider, Problem } from "./ui.jsx";
import { DropAnywhere, UploadButtons, Uploads } from "./uploads.jsx";
import "./styles/drop.css";

addTexts(COMMON_TEXTS);
addTexts(DROP_TEXTS);

const secret = location.hash.slice(1);
session.authorization = `Link ${secret}`;
session.login = `link ${secret.slice(0, 8)}`; // under this name the browser remembers what is not finished
addEventListener("hashchange", () => location.reload());

// What the link still takes; looked at again when uploads have ended.
function useLink() {
  const [state, setState] = useState({ link: null, error: null, isOver: !/^[\w-]+$/.test(secret) });
  const look = () =>
    get("/v1/native/link").then((link) => setState((s) => ({ ...s, link, error: null })), (error) => setState((s) => ({ ...s, error })));
  useEffect(() => {
    if (state.isOver) return;
    look();
    let ended = 0;
    const unsubscribe = queue.subscribe(() => {
      const now = queue.totals.done + queue.totals.failed;
      if (now !== ended && !queue.isActive) look();
      if (!queue.isActive) ended = now;
    });
    const unhear = onSession((isOver) => setState((s) => ({ ...s, isOver })));
    return () => (unsubscribe(), unhear());
  }, []);
  const retry = () => {
    noteSession(false);
    look();
  };
  return { ...state, retry };
}

function Limits({ link }) {
  return (
    <ul class="limits">
      <li>{t("drop_left", { n: link.files_left })}</li>
      <li>{t("drop_each", { size: bytes(Math.min(link.max_file_bytes, link.bytes_left)) })}</li>
      <li>{t("drop_all", { size: bytes(link.bytes_left) })}</li>
      <li>{t("drop_until", { time: time(link.expires_at) })}</li>
    </ul>
  );
}

const takesMore = (link) => link.files_left > 0 && link.bytes_left > 0;

// Uploads that this browser has begun by this link and not finished: they count already, and the same files go on.
const begun = () => Object.keys(localStorage).filter((key) => key.startsWith(`tus::cais-${session.login}-`)).length;

function Content({ link, error, isOver, retry }) {
  if (isOver) return <Empty icon="link" title={t("drop_over")} text={t("drop_over_text")} />;
  if (error) return <Problem error={error} retry={retry} />;
  if (!link) return <p class="soft" role="status">{t("loading")}</p>;
  const left = queue.isActive ? 0 : begun();
  if (!left && !takesMore(link)) return <Empty icon="check" title={t("drop_full")} text={t("drop_full_text")} />;
  return (
    <Empty icon="upload" title={t("drop_here")} text={t("drop_text")} kind="drop">
      <UploadButtons />
      {left > 0 && <p class="begun" role="status">{t("unfinished", { n: left })}</p>}
      {takesMore(link) && <Limits link={link} />}
    </Empty>
  );
}

function Drop() {
  const state = useLink();
  const title = state.link ? shown(state.link.label) : "cais";
  const takes = state.link && !state.isOver && (takesMore(state.link) || begun() > 0);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <NotesProvider>
      <header class="top">
        <span class="brand">cais</span>
        <span class="spacer" />
        <Language />
        <Theme />
      </header>
      <main class="giver">
        <h1><bdi>{title}</bdi></h1>
        <Content {...state} />
        <Uploads />
      </main>
      {takes && <DropAnywhere />}
    </NotesProvider>
  );
}

render(<Drop />, document.getElementById("portal"));
