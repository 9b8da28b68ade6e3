// SPDX-License-Identifier: Apache-2.0
// Where files are dropped and chosen, and the panel that shows how far they are.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "./api.js";
import { addTexts, bytes, duration, number, shown, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { addDropped, addFiles, currentDestination, queue, unfinished } from "./queue.js";
import { UPLOADS_TEXTS } from "./texts/uploads.js";
import { errorText, IconButton } from "./ui.jsx";
import "./styles/uploads.css";

addTexts(UPLOADS_TEXTS);

const ROWS_MAX = 50;

function useQueue() {
  const [, draw] = useState(0);
  useEffect(() => queue.subscribe(() => draw((n) => n + 1)), []);
  return queue;
}

// ---- dropping and choosing

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

// Files may be dropped anywhere on the page. Where nothing can be put, a drop does nothing; the browser would leave the page for the file.
export function DropAnywhere() {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const enter = (event) => hasFiles(event) && !currentDestination()?.isClosed && (depth++, setIsOver(true));
    const leave = (event) => hasFiles(event) && --depth <= 0 && setIsOver(false);
    const over = (event) => hasFiles(event) && event.preventDefault();
    const drop = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setIsOver(false);
      if (!currentDestination()?.isClosed) addDropped(event.dataTransfer);
    };
    const handlers = { dragenter: enter, dragleave: leave, dragover: over, drop };
    for (const [name, handler] of Object.entries(handlers)) addEventListener(name, handler);
    return () => Object.entries(handlers).forEach(([name, handler]) => removeEventListener(name, handler));
  }, []);
  return isOver && <div class="drop-now"><span><Icon name="upload" width="40" height="40" />{currentDestination()?.name ? t("drop_now_in", { name: currentDestination().name }) : t("drop_now")}</span></div>;
}

export function UploadButtons() {
  const files = useRef(), folder = useRef();
  const chosen = async ({ currentTarget: input }) => {
    await addFiles(input.files);
    input.value = ""; // so that the same files can be chosen again; it empties the list
  };
  return (
    <div class="buttons">
      <button type="button" onClick={() => files.current.click()}><Icon name="upload" />{t("upload_files")}</button>
      <button type="button" class="quiet" onClick={() => folder.current.click()}><Icon name="files" />{t("upload_folder")}</button>
      <input ref={files} type="file" multiple hidden aria-label={t("upload_files")} onChange={chosen} />
      <input ref={folder} type="file" webkitdirectory hidden aria-label={t("upload_folder")} onChange={chosen} />
    </div>
  );
}

// ---- the panel

const ORDER = ["failed", "changed", "taken", "sending", "retrying", "paused", "waiting", "done"];

// The first rows, by state, without sorting ten thousand items.
function rowsOf(items) {
  const byState = Object.fromEntries(ORDER.map((state) => [state, []]));
  for (const item of items) if (byState[item.state].length < ROWS_MAX) byState[item.state].push(item);
  byState.done.reverse();
  return ORDER.flatMap((state) => byState[state]).slice(0, ROWS_MAX);
}

function stateText(item) {
  if (item.state === "failed") return errorText(item.error);
  if (item.state === "retrying" && item.error?.code === "no_space") return t("up_no_space");
  if (item.state === "sending" && item.size) return t("unfinished_part", { acked: bytes(item.acked), size: bytes(item.size) });
  return { changed: t("up_changed"), taken: t("up_taken"), retrying: t("up_retrying"), paused: t("up_paused"), waiting: t("up_waiting"), sending: t("up_sending"), done: `${t("up_arrived")} · ${bytes(item.size)}` }[item.state];
}

function Row({ item }) {
  const name = shown(item.path);
  const failed = item.state === "failed" || item.state === "changed";
  const isOver = failed || item.state === "done" || item.state === "taken";
  return (
    <li class={`upload ${item.state}`}>
      <span class="upload-icon"><Icon name={item.state === "done" ? "check" : failed ? "alert" : item.isFolder ? "files" : "file"} /></span>
      <div class="upload-text">
        <bdi class="upload-name" title={name}>{name}</bdi>
        <span class="upload-state">{stateText(item)}</span>
        {!isOver && item.state !== "waiting" &&
          <progress max={item.size || 1} value={item.acked} aria-label={t("up_progress", { name })} />}
      </div>
      {["sending", "waiting", "retrying"].includes(item.state) && <IconButton icon="pause" label={t("pause_name", { name })} onClick={() => queue.pause(item)} />}
      {item.state === "paused" && <IconButton icon="play" label={t("resume_name", { name })} onClick={() => queue.resume(item)} />}
      {isOver && !["changed", "done"].includes(item.state) && <IconButton icon="retry" label={t("retry_name", { name })} onClick={() => queue.resume(item)} />}
      {item.state !== "done" && <IconButton icon="close" label={t("cancel_name", { name })} onClick={() => queue.cancel(item)} />}
    </li>
  );
}

const ended = ({ failed, taken }) => [failed && t("up_failed", { n: failed }), taken && t("up_count_taken", { n: taken })].filter(Boolean).join(" · ") || t("up_done");

function summary({ totals, isActive, items }) {
  const pausedAll = !isActive && items.some((i) => i.state === "paused");
  if (!isActive && !pausedAll) return ended(totals);
  const speed = queue.speed(), left = totals.bytes - totals.acked;
  return [t("up_count", { n: totals.count, done: totals.done }), `${bytes(totals.acked)} / ${bytes(totals.bytes)}`,
          isActive && speed > 0 && t("up_speed", { speed: bytes(speed) }), isActive && speed > 0 && t("up_left", { time: duration(left / speed) }),
          pausedAll && t("up_paused")].filter(Boolean).join(" · ");
}

// Screen readers hear the beginning, each quarter, and the end.
function Spoken({ totals, isActive }) {
  const quarter = totals.bytes ? Math.floor((totals.acked / totals.bytes) * 4) * 25 : 0;
  const text = isActive ? t("up_percent", { percent: number(quarter) }) : ended(totals);
  return <p class="hidden" role="status">{text}</p>;
}

export function Uploads() {
  const { items, totals, isActive, skipped } = useQueue();
  const [isOpen, setIsOpen] = useState(true);
  if (!items.length) return null;
  const rows = rowsOf(items);
  const paused = items.some((i) => i.state === "paused");
  return (
    <section class="tray" aria-label={t("uploads")}>
      <header>
        <div class="tray-title">
          <h2>{t("uploads")}</h2>
          <p class={!isActive && totals.failed ? "bad" : ""}>{summary(queue)}</p>
        </div>
        {isActive && <IconButton icon="pause" label={t("pause_all")} onClick={() => queue.pauseAll()} />}
        {!isActive && paused && <IconButton icon="play" label={t("resume_all")} onClick={() => queue.resumeAll()} />}
        {totals.failed > 0 && <IconButton icon="retry" label={t("retry_failed")} onClick={() => queue.retryAll()} />}
        <IconButton icon="chevron" class={`icon-button ${isOpen ? "down" : "up"}`} label={t(isOpen ? "hide_list" : "show_list")} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)} />
        {!isActive && !paused && <IconButton icon="close" label={t("close_uploads")} onClick={() => [...items].forEach((i) => i.state !== "done" && queue.cancel(i)) ?? queue.clear()} />}
      </header>
      <progress class="all" max={totals.bytes || 1} value={totals.bytes ? totals.acked : totals.done ? 1 : 0} aria-label={t("up_all_progress")} />
      <Spoken totals={totals} isActive={isActive} />
      {isOpen && (
        <ul tabindex="0" aria-label={t("uploads")}>
          {rows.map((item) => <Row key={item.id} item={item} />)}
          {items.length > rows.length && <li class="upload-rest">{t("up_more", { n: items.length - rows.length })}</li>}
          {skipped > 0 && <li class="upload-rest">{t("up_skipped", { n: skipped })}</li>}
        </ul>
      )}
    </section>
  );
}

// ---- uploads of earlier visits

export function Unfinished() {
  const { isActive, items } = useQueue();
  const [uploads, setUploads] = useState([]);
  useEffect(() => {
    if (!isActive && !items.some((i) => i.state === "paused")) unfinished().then(setUploads, () => {});
  }, [isActive]);
  const remove = async (upload) => {
    await ask("DELETE", `/v1/native/uploads/${encodeURIComponent(upload.id)}`).catch(() => {});
    setUploads((all) => all.filter((u) => u !== upload));
  };
  if (isActive || !uploads.length || items.some((i) => i.state === "paused")) return null;
  return (
    <section class="unfinished" aria-label={t("uploads")}>
      <p>{t("unfinished", { n: uploads.length })}</p>
      <ul>
        {uploads.map((u) => (
          <li key={u.id}>
            <bdi>{shown(u.name)}</bdi>
            <span>{u.size === undefined ? bytes(u.offset) : t("unfinished_part", { acked: bytes(u.offset), size: bytes(u.size) })}</span>
            <IconButton icon="close" label={t("cancel_name", { name: shown(u.name) })} onClick={() => remove(u)} />
          </li>
        ))}
      </ul>
    </section>
  );
}
