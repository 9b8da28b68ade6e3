// SPDX-License-Identifier: Apache-2.0
// The files of the person, newest first, a page at a time; more come as the list is scrolled. Folders of spaces: spaces.jsx.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, get } from "./api.js";
import { addTexts, bytes, number, shown, t, time } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { lazy } from "./lazy.jsx";
import { EDITORS, PlaceHeading, useSpaces } from "./places.jsx";
import { Preview } from "./preview.jsx";
import { queue } from "./queue.js";
import { removeLater, undoRemoval, UNDO_SECONDS } from "./removal.js";
import { FILES_TEXTS } from "./texts/files.js";
import { Dialog, Empty, errorText, IconButton, Problem, useNotes } from "./ui.jsx";
import { Unfinished, UploadButtons } from "./uploads.jsx";

addTexts(FILES_TEXTS);

const PAGE = 100;
const isWhole = (file) => file.state === "ready" || file.state === "stored"; // its bytes have come
const address = (file) => `/v1/native/files/${encodeURIComponent(file.id)}`;

function useFiles(search) {
  const [list, setList] = useState({ files: [], next: "", busy: true, error: null });
  const running = useRef();
  const load = useCallback(async (after, kept) => {
    running.current?.abort();
    const abort = (running.current = new AbortController());
    setList((l) => ({ ...l, busy: true, error: null }));
    try {
      const query = new URLSearchParams({ limit: PAGE, ...(after && { after }), ...(search && { name: search }) });
      const page = await get(`/v1/native/files?${query}`, { signal: abort.signal });
      setList({ files: [...kept, ...page.files], next: page.next ?? "", busy: false, error: null });
    } catch (error) {
      if (error.name !== "AbortError") setList((l) => ({ ...l, busy: false, error }));
    }
  }, [search]);
  useEffect(() => {
    load("", []);
    return () => running.current?.abort();
  }, [load]);
  const change = (id, file) => setList((l) => ({ ...l, files: l.files.map((f) => (f.id === id ? file : f)) }));
  return { ...list, change, more: () => list.next && !list.busy && load(list.next, list.files), reload: () => load("", []) };
}

// New files come to the top of the list: a few at once as they arrive, and all when the queue has come to rest.
export function useArrivals(reload, isLong) {
  const latest = useRef();
  latest.current = { reload, isLong };
  useEffect(() => {
    let timer = 0;
    const look = () => {
      timer = 0;
      if (!queue.isActive || !latest.current.isLong) latest.current.reload();
      else timer = setTimeout(look, 2000);
    };
    const stop = queue.onFile(() => (timer ||= setTimeout(look, queue.isActive ? (queue.totals.count > 200 ? 5000 : 1500) : 100)));
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, []);
}

function FileRow({ file, open, act }) {
  return (
    <tr>
      <td class="name">
        <span class="kind"><Icon name={file.content_type.startsWith("image/") ? "image" : "file"} /></span>
        <button type="button" class="link" aria-label={t("details_name", { name: shown(file.name) })} onClick={() => open(file)}>
          <bdi>{shown(file.name)}</bdi>
        </button>
      </td>
      <td class="wide"><bdi>{file.owner}</bdi></td>
      <td class="wide widest">{file.way}</td>
      <td class="middle"><State state={file.state} /></td>
      <td class="number">{bytes(file.size)}</td>
      <td class="middle when">{time(file.created_at)}</td>
      <td class="row-actions">
        <a class="icon-button" href={address(file)} download aria-label={t("download_name", { name: shown(file.name) })} title={t("download")}>
          <Icon name="download" />
        </a>
        {act.put && isWhole(file) && <IconButton icon="move" class="icon-button roomy" label={t("put_name", { name: shown(file.name) })} onClick={() => act.put(file)} />}
        <IconButton icon="edit" class="icon-button roomy" label={t("rename_name", { name: shown(file.name) })} onClick={() => act.rename(file)} />
        <IconButton icon="trash" class="icon-button roomy" label={t("delete_name", { name: shown(file.name) })} onClick={() => act.remove(file)} />
      </td>
    </tr>
  );
}

const State = ({ state }) => (
  <span class={`badge ${state}`} title={state === "stored" ? t("state_stored_help") : undefined}>{t(`state_${state}`)}</span>
);

// address: of the bytes. act: what can be done, by name, if mayChange.
export function Details({ file, address, close, act, mayChange = true }) {
  const note = useNotes();
  const copy = async () => {
    await navigator.clipboard.writeText(location.origin + address);
    note(t("copied"));
  };
  const facts = [
    ["state", <State state={file.state} />], ["size", file.size < 1024 ? bytes(file.size) : `${bytes(file.size)} (${number(file.size)} B)`], ["type", file.content_type],
    ["owner", <bdi>{file.owner}</bdi>], ["origin", file.way], ["added", time(file.created_at)],
    ["md5", <code>{file.md5}</code>], ["id", <code>{file.id}</code>],
  ];
  return (
    <Dialog title={<bdi>{shown(file.name)}</bdi>} close={close} kind="drawer">
      <Preview file={file} address={address} />
      <dl class="facts">
        {facts.map(([name, value]) => [<dt>{t(name)}</dt>, <dd>{value}</dd>])}
      </dl>
      <div class="buttons">
        <a class="button" href={address} download><Icon name="download" />{t("download")}</a>
        {navigator.clipboard && <button type="button" class="quiet" onClick={copy}><Icon name="copy" />{t("copy_link")}</button>}
        {mayChange && act.move && <button type="button" class="quiet" onClick={() => act.move(file)}><Icon name="move" />{t("move")}</button>}
        {mayChange && act.put && isWhole(file) && <button type="button" class="quiet" onClick={() => act.put(file)}><Icon name="move" />{t("put")}</button>}
        {mayChange && <button type="button" class="quiet" onClick={() => act.rename(file)}><Icon name="edit" />{t("rename")}</button>}
        {mayChange && <button type="button" class="quiet" onClick={() => (close(), act.remove(file))}><Icon name="trash" />{t("delete")}</button>}
      </div>
    </Dialog>
  );
}

// address: of what gets another name.
export function Rename({ file, address, close, renamed }) {
  const [error, setError] = useState(null);
  const field = useRef();
  useEffect(() => {
    const dot = file.name.lastIndexOf(".");
    field.current.focus();
    field.current.setSelectionRange(0, dot > 0 ? dot : file.name.length);
  }, []);
  const save = async (event) => {
    event.preventDefault();
    try {
      renamed(await ask("PATCH", address, { body: { name: field.current.value } }));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog title={t("rename")} close={close}>
      <form onSubmit={save}>
        {error && <Problem error={error} />}
        <label class="field">{t("new_name")}<input ref={field} name="name" value={file.name} required maxlength="255" spellcheck={false} dir="auto" /></label>
        <div class="buttons">
          <button>{t("save")}</button>
          <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
        </div>
      </form>
    </Dialog>
  );
}

export function Search({ value, change, label = t("search") }) {
  const [text, setText] = useState(value);
  useEffect(() => {
    const timer = setTimeout(change, 200, text.trim());
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="hidden">{label}</span>
      <input type="search" placeholder={label} value={text} maxlength="255" onInput={(e) => setText(e.currentTarget.value)} />
    </label>
  );
}

// Loads the next page when the end of the list comes into view.
export function More({ more, busy }) {
  const button = useRef();
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && more(), { rootMargin: "400px" });
    watch.observe(button.current);
    return () => watch.disconnect();
  });
  return <button type="button" class="quiet more" ref={button} disabled={busy} onClick={more}>{busy ? t("loading") : t("more")}</button>;
}

// /portal and /portal/files: one's own files; /portal/space/ID and /portal/folder/ID: a folder of a space.
const spaceOf = (path) => path.match(/^\/portal\/(space|folder)\/(\d{1,18})$/) ?? [];
const loadSpaces = () => import("./spaces.jsx");
const SpaceView = lazy(loadSpaces, "SpaceView");
const PutIntoSpace = lazy(loadSpaces, "PutIntoSpace");
if (spaceOf(location.pathname).length) loadSpaces().catch(() => {}); // while the page is being drawn

export function Files({ path, go }) {
  const [, kind, id] = spaceOf(path);
  return kind ? <SpaceView place={{ [kind]: id }} go={go} /> : <MyFiles go={go} />;
}

function MyFiles({ go }) {
  const note = useNotes();
  const [search, setSearch] = useState("");
  const [opened, setOpened] = useState(null);
  const [renaming, setRenaming] = useState(null);
  const [placing, setPlacing] = useState(null);
  const [removed, setRemoved] = useState(new Set());
  const spaces = useSpaces().filter((s) => EDITORS.includes(s.role));
  const { files: all, next, busy, error, more, reload, change } = useFiles(search);
  useArrivals(reload, all.length > PAGE);
  const files = all.filter((f) => !removed.has(f.id));
  const isEmpty = !files.length && !busy && !error && !next;
  const show = (file, is) => setRemoved((ids) => {
    const changed = new Set(ids);
    is ? changed.delete(file.id) : changed.add(file.id);
    return changed;
  });
  const remove = (file) => {
    const name = shown(file.name);
    show(file, false);
    removeLater(address(file), (problem) => {
      show(file, true);
      note(t("not_deleted", { name, why: errorText(problem) }));
    });
    note(t("deleted", { name }), { label: t("undo"), action: () => undoRemoval(address(file)) && show(file, true), seconds: UNDO_SECONDS });
  };
  const renamed = (file) => {
    change(file.id, file);
    setRenaming(null);
    if (opened) setOpened(file);
  };
  const act = { rename: setRenaming, remove, put: spaces.length > 0 && setPlacing };
  return (
    <>
      <div class="page-head">
        <PlaceHeading title={t("my_files")} go={go} />
        <Search value={search} change={setSearch} />
        {(all.length > 0 || search) && <UploadButtons />}
      </div>
      <Unfinished />
      <p class="hidden" role="status">{busy ? "" : t("count_files", { n: files.length })}</p>
      {error && <Problem error={error} retry={reload} />}
      {isEmpty && (search
        ? <Empty icon="search" title={t("nothing_found", { text: search })} text={t("nothing_found_text")} />
        : <Empty icon="upload" title={t("empty_drop")} text={t("empty_drop_text")} kind="drop"><UploadButtons /></Empty>)}
      {files.length > 0 && (
        <div class="card">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{t("name")}</th>
                <th scope="col" class="wide">{t("owner")}</th>
                <th scope="col" class="wide widest">{t("origin")}</th>
                <th scope="col" class="middle">{t("state")}</th>
                <th scope="col" class="number">{t("size")}</th>
                <th scope="col" class="middle">{t("added")}</th>
                <th scope="col"><span class="hidden">{t("actions")}</span></th>
              </tr>
            </thead>
            <tbody>{files.map((f) => <FileRow key={f.id} file={f} open={setOpened} act={act} />)}</tbody>
          </table>
        </div>
      )}
      {next && !error && <More more={more} busy={busy} />}
      {opened && <Details key={opened.id} file={opened} address={address(opened)} close={() => setOpened(null)} act={act} />}
      {placing && <PutIntoSpace file={placing} spaces={spaces} close={() => setPlacing(null)} />}
      {renaming && <Rename file={renaming} address={address(renaming)} close={() => setRenaming(null)} renamed={renamed} />}
    </>
  );
}
