// SPDX-License-Identifier: Apache-2.0
// A folder of a space: its folders, then its files, by name; a page at a time as the list is scrolled.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, get } from "./api.js";
import { Details, More, Rename, Search, useArrivals } from "./files.jsx";
import { addTexts, bytes, shown, t, time } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { Members } from "./members.jsx";
import { EDITORS, folderAddress, PlaceHeading, refreshSpaces, spaceAddress, visit } from "./places.jsx";
import { setDestination } from "./queue.js";
import { removeLater, undoRemoval, UNDO_SECONDS } from "./removal.js";
import { SPACES_TEXTS } from "./texts/spaces.js";
import { Dialog, Empty, errorText, IconButton, Problem, useNotes } from "./ui.jsx";
import { Unfinished, UploadButtons } from "./uploads.jsx";
import "./styles/spaces.css";

addTexts(SPACES_TEXTS);

const PAGE = 100;
const DRAGGED = "application/x-cais-item"; // the type of what is dragged onto a folder
export const folderPath = (id) => `/v1/native/folders/${encodeURIComponent(id)}`;
const filePath = (file) => `${folderPath(file.folder)}/files/${encodeURIComponent(file.id)}`;
const pathOf = (item) => (item.kind === "file" ? filePath(item) : folderPath(item.id));
const asFolder = (folder) => ({ ...folder, kind: "folder" });
const asFile = (file) => ({ ...file, kind: "file" });

// ---- what is shown

const firstPage = (folder, options) => Promise.all(["folders", "files"].map((kind) => get(`${folderPath(folder)}/${kind}?limit=${PAGE}`, options)));

// The space and the folder that are open, with the first page of its lists. place: { space } or { folder }, ids from the address.
function useOpen(place) {
  const [open, setOpen] = useState({ space: null, folder: null, error: null });
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      const at = (path) => get(path, { signal: abort.signal });
      const space = place.space && await at(`/v1/native/spaces/${encodeURIComponent(place.space)}`);
      const id = place.folder ?? space.root;
      const [folder, first] = await Promise.all([at(folderPath(id)), firstPage(id, { signal: abort.signal })]);
      return { space: space || await at(`/v1/native/spaces/${folder.space}`), folder, first, error: null };
    };
    read().then(setOpen, (error) => error.name === "AbortError" || setOpen({ space: null, folder: null, error }));
    return () => abort.abort();
  }, [place.space, place.folder]);
  return [open, setOpen];
}

const listOf = ([a, b]) => ({
  folders: a.folders.map(asFolder), nextFolders: a.next ?? "", files: b.files.map(asFile), nextFiles: b.next ?? "", busy: false, error: null,
});

// Folders come first, and then files: the files of the first page are held back until all folders are there.
function useItems(folder, search, first) {
  const none = { folders: [], files: [], nextFolders: "", nextFiles: "", busy: true, error: null };
  const [list, setList] = useState(() => listOf(first));
  const isFirst = useRef(true);
  const running = useRef();
  const source = useCallback((kind, after) => {
    const query = new URLSearchParams({ limit: PAGE, ...(after && { after }), ...(search && { name: search, kind }) });
    return search ? `/v1/native/spaces/${folder.space}/search?${query}` : `${folderPath(folder.id)}/${kind}?${query}`;
  }, [folder.id, search]);
  const begin = () => {
    running.current?.abort();
    running.current = new AbortController();
    setList((l) => ({ ...l, busy: true, error: null }));
    return { signal: running.current.signal };
  };
  const failed = (error) => error.name === "AbortError" || setList((l) => ({ ...l, busy: false, error }));
  const reload = () => {
    const options = begin();
    Promise.all([get(source("folders"), options), get(source("files"), options)]).then((pages) => setList(listOf(pages)), failed);
  };
  const more = () => {
    if (list.busy || !(list.nextFolders || list.nextFiles)) return;
    const kind = list.nextFolders ? "folders" : "files";
    get(source(kind, list.nextFolders || list.nextFiles), begin()).then((page) => setList((l) => (kind === "folders"
      ? { ...l, folders: [...l.folders, ...page.folders.map(asFolder)], nextFolders: page.next ?? "", busy: false }
      : { ...l, files: [...l.files, ...page.files.map(asFile)], nextFiles: page.next ?? "", busy: false })), failed);
  };
  useEffect(() => {
    if (!isFirst.current) {
      setList(none);
      reload();
    }
    isFirst.current = false;
    return () => running.current?.abort();
  }, [source]);
  const items = [...list.folders, ...(list.nextFolders ? [] : list.files)];
  return { ...list, items, next: list.nextFolders || list.nextFiles, more, reload };
}

function Breadcrumb({ space, folder, go, drop }) {
  return (
    <nav class="breadcrumb" aria-label={t("space_where")}>
      <ol>
        {folder.path.map((step, i) => {
          const name = i === 0 && !folder.isCut ? shown(space.name) : shown(step.name);
          const href = step.id === space.root ? spaceAddress(space) : folderAddress(step);
          const isLast = i === folder.path.length - 1;
          return (
            <li key={step.id}>
              {i > 0 && <Icon name="chevron" width="16" height="16" />}
              {isLast ? <bdi aria-current="page">{name}</bdi> : <a href={href} onClick={go} {...drop(step.id)}><bdi>{name}</bdi></a>}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function Row({ item, mayChange, open, act, go, drag, drop, isFound }) {
  const name = shown(item.name);
  const isFile = item.kind === "file";
  return (
    <tr class={item.kind} draggable={mayChange} {...(mayChange && drag(item))} {...(!isFile && mayChange && drop(item.id))}>
      <td class="name">
        <span class="kind"><Icon name={isFile ? (item.content_type.startsWith("image/") ? "image" : "file") : "files"} /></span>
        {isFile
          ? <button type="button" class="link" aria-label={t("details_name", { name })} onClick={() => open(item)}><bdi>{name}</bdi></button>
          : <a class="link" href={folderAddress(item)} onClick={go} draggable={false} aria-label={t("open_name", { name })}><bdi>{name}</bdi></a>}
      </td>
      <td class="wide"><bdi>{item.owner ?? ""}</bdi></td>
      <td class="number">{isFile ? bytes(item.size) : ""}</td>
      <td class="middle when">{time(item.created_at)}</td>
      <td class="row-actions">
        {isFile && isFound && <a class="icon-button" href={folderAddress(item.folder)} onClick={go} aria-label={t("open_folder_of", { name })} title={t("open_folder")}><Icon name="files" /></a>}
        {isFile && <a class="icon-button" href={filePath(item)} download aria-label={t("download_name", { name })} title={t("download")}><Icon name="download" /></a>}
        {mayChange && <IconButton icon="move" class="icon-button roomy" label={t("move_name", { name })} onClick={() => act.move(item)} />}
        {mayChange && <IconButton icon="edit" class="icon-button roomy" label={t("rename_name", { name })} onClick={() => act.rename(item)} />}
        {mayChange && <IconButton icon="trash" class="icon-button roomy" label={t("delete_name", { name })} onClick={() => act.remove(item)} />}
      </td>
    </tr>
  );
}

// ---- windows

function NameForm({ label, button, value = "", save, close }) {
  const [error, setError] = useState(null);
  const field = useRef();
  useEffect(() => field.current.focus(), []);
  const submit = (event) => {
    event.preventDefault();
    save(field.current.value).catch(setError);
  };
  return (
    <form onSubmit={submit}>
      {error && <Problem error={error} />}
      <label class="field">{label}<input ref={field} name="name" value={value} required maxlength="255" spellcheck={false} dir="auto" /></label>
      <div class="buttons">
        <button>{button}</button>
        <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
      </div>
    </form>
  );
}

export function NewSpace({ close }) {
  const save = async (name) => {
    const space = await ask("POST", "/v1/native/spaces", { body: { name } });
    await refreshSpaces();
    close();
    visit(spaceAddress(space));
  };
  return (
    <Dialog title={t("new_space")} close={close}>
      <p class="soft">{t("new_space_text")}</p>
      <NameForm label={t("name")} button={t("space_create")} save={save} close={close} />
    </Dialog>
  );
}

function NewFolder({ folder, close, created }) {
  const save = async (name) => {
    const made = await ask("POST", `${folderPath(folder.id)}/folders`, { body: { name } });
    created(made);
  };
  return (
    <Dialog title={t("new_folder")} close={close}>
      <NameForm label={t("name")} button={t("space_create")} save={save} close={close} />
    </Dialog>
  );
}

// Chooses a folder, one level after the other, from the folder `start` on. spaces: to choose one of them first; without: of `space`.
// takes: may it be this folder? hides: a folder that is no choice. choose: what is done with the chosen one and its space.
function ChooseFolder({ title, button, space: given, spaces, start, takes, hides = () => false, choose, close }) {
  const [space, setSpace] = useState(given ?? null);
  const [at, setAt] = useState(null);
  const [list, setList] = useState({ folders: [], next: "" });
  const [error, setError] = useState(null);
  const heading = useRef();
  const load = async (id, of = space) => {
    setError(null);
    try {
      const [folder, page] = await Promise.all([get(folderPath(id)), get(`${folderPath(id)}/folders?limit=${PAGE}`)]);
      setSpace(of);
      setAt(folder);
      setList({ folders: page.folders, next: page.next ?? "" });
    } catch (problem) {
      setError(problem);
    }
  };
  const more = async () => {
    try {
      const page = await get(`${folderPath(at.id)}/folders?${new URLSearchParams({ limit: PAGE, after: list.next })}`);
      setList((l) => ({ folders: [...l.folders, ...page.folders], next: page.next ?? "" }));
    } catch (problem) {
      setError(problem);
    }
  };
  useEffect(() => void (start && load(start)), []);
  useEffect(() => heading.current?.focus(), [at]);
  const nameOf = (folder) => (folder.parent ? shown(folder.name) : shown(space.name));
  const up = () => (at.parent ? load(at.parent) : (setError(null), setAt(null)));
  const upper = () => (!at.parent ? t("places") : at.path.length === 2 ? shown(space.name) : shown(at.path.at(-2).name));
  const items = at
    ? list.folders.filter((f) => !hides(f)).map((f) => ({ id: f.id, name: f.name, open: () => load(f.id) }))
    : (spaces ?? []).map((s) => ({ id: s.id, name: s.name, open: () => load(s.root, s) }));
  return (
    <Dialog title={title} close={close}>
      {error && <Problem error={error} />}
      {(at || spaces) && (
        <div class="picker">
          <div class="picker-head">
            {at && (at.parent || spaces) && <IconButton icon="back" label={t("up_to", { name: upper() })} onClick={up} />}
            <h3 tabindex="-1" ref={heading}><Icon name="files" /><bdi>{at ? nameOf(at) : t("choose_space")}</bdi></h3>
          </div>
          <ul aria-label={at ? t("folders_in", { name: nameOf(at) }) : t("choose_space")}>
            {items.map((i) => (
              <li key={i.id}>
                <button type="button" class="link" onClick={i.open}><Icon name="files" /><bdi>{shown(i.name)}</bdi><Icon name="chevron" /></button>
              </li>
            ))}
            {!items.length && <li class="soft">{t("no_folders")}</li>}
          </ul>
          {at && list.next && <button type="button" class="quiet" onClick={more}>{t("more")}</button>}
        </div>
      )}
      <div class="buttons">
        <button type="button" disabled={!at || !takes(at)} onClick={() => choose(at, space).catch(setError)}>{button}</button>
        <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
      </div>
    </Dialog>
  );
}

// What is moved is no choice itself.
function Move({ item, space, start, close, moved }) {
  const from = item.kind === "file" ? item.folder : item.parent;
  return <ChooseFolder title={t("move_title", { name: shown(item.name) })} button={t("move_here")} space={space} start={start} close={close}
    takes={(at) => at.id !== from} hides={(f) => item.kind !== "file" && f.id === item.id} choose={(at) => moved(item, at)} />;
}

// Puts a file of the person into a folder of a space, where the others of the space see it; it stays the person's, too.
export function PutIntoSpace({ file, spaces, close }) {
  const note = useNotes();
  const name = shown(file.name);
  const put = async (at, space) => {
    const files = `${folderPath(at.id)}/files`;
    await ask("POST", files, { body: { file: file.id } });
    const undo = () => ask("DELETE", `${files}/${encodeURIComponent(file.id)}`).then(
      () => note(t("put_undone", { name })), (problem) => note(t("not_done", { name, why: errorText(problem) })));
    note(t("moved", { name, to: shown(at.parent ? at.name : space.name) }), { label: t("undo"), action: undo, seconds: UNDO_SECONDS });
    close();
  };
  return <ChooseFolder title={t("put_title", { name })} button={t("put_here")} spaces={spaces} takes={() => true} choose={put} close={close} />;
}

// ---- moving and removing

const moveTo = (item, id) => ask("PATCH", pathOf(item), { body: item.kind === "file" ? { folder: id } : { parent: id } });

// One row is dragged at a time; what is dragged is known only to this window while it is over a folder.
let dragged = null;

function useDragging(move) {
  const [target, setTarget] = useState(0);
  const drag = (item) => ({
    onDragStart: (event) => {
      dragged = item;
      event.dataTransfer.setData(DRAGGED, String(item.id));
      event.dataTransfer.effectAllowed = "move";
    },
    onDragEnd: () => (dragged = null, setTarget(0)),
  });
  const takes = (id) => dragged && !(dragged.kind === "folder" && (dragged.id === id || dragged.parent === id)) && !(dragged.kind === "file" && dragged.folder === id);
  const drop = (id) => ({
    "data-target": target === id ? "" : undefined,
    onDragOver: (event) => {
      if (!takes(id)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "move";
      setTarget(id);
    },
    onDragLeave: () => setTarget((now) => (now === id ? 0 : now)),
    onDrop: (event) => {
      if (!takes(id)) return;
      event.preventDefault();
      const item = dragged;
      dragged = null;
      setTarget(0);
      move(item, id);
    },
  });
  return { drag, drop };
}

// ---- the page

export function SpaceView({ place, go }) {
  const [open, setOpen] = useOpen(place);
  const { space, folder, first, error } = open;
  useEffect(() => {
    if (space && folder) document.title = `${folder.parent ? shown(folder.name) : shown(space.name)} · cais`;
    return () => (document.title = `${t("files")} · cais`);
  }, [space, folder]);
  if (error) return <Problem error={error} />;
  if (!space) return <><div class="page-head"><h1>{t("files")}</h1></div><p class="soft" role="status">{t("loading")}</p></>;
  return <OpenFolder key={folder.id} space={space} folder={folder} first={first} go={go} setSpace={(s) => setOpen((o) => ({ ...o, space: s }))} />;
}

function OpenFolder({ space, folder, first, go, setSpace }) {
  const note = useNotes();
  const [search, setSearch] = useState("");
  const [window_, setWindow] = useState(null); // { name, item }
  const [removed, setRemoved] = useState(new Set());
  const { items: all, next, busy, error, more, reload } = useItems(folder, search, first);
  const mayChange = EDITORS.includes(folder.role);
  const place = folder.parent ? folder.name : space.name;
  useArrivals(reload, all.length > PAGE);
  useEffect(() => {
    setDestination({ folder: mayChange ? folder.id : null, name: shown(place), isClosed: !mayChange });
    return () => setDestination(null);
  }, [folder.id, mayChange, place]);

  const items = all.filter((i) => !removed.has(pathOf(i)));
  const isEmpty = !items.length && !busy && !error && !next;
  const close = () => setWindow(null);
  const show = (item, is) => setRemoved((paths) => {
    const changed = new Set(paths);
    is ? changed.delete(pathOf(item)) : changed.add(pathOf(item));
    return changed;
  });
  const failed = (item, problem) => {
    show(item, true);
    note(t("not_done", { name: shown(item.name), why: errorText(problem) }));
  };
  const remove = (item) => {
    show(item, false);
    removeLater(pathOf(item), (problem) => failed(item, problem));
    note(t(item.kind === "file" ? "deleted" : "deleted_folder", { name: shown(item.name) }), { label: t("undo"), action: () => undoRemoval(pathOf(item)) && show(item, true), seconds: UNDO_SECONDS });
  };
  const noteMoved = (item, back, to) => {
    const undo = () => moveTo(item, back).then(reload, (problem) => note(t("not_done", { name: shown(item.name), why: errorText(problem) })));
    note(t("moved", { name: shown(item.name), to: shown(to) }), { label: t("undo"), action: undo, seconds: UNDO_SECONDS });
    reload();
  };
  const move = async (item, id, name) => {
    const from = item.kind === "file" ? item.folder : item.parent;
    const now = await moveTo(item, id);
    noteMoved({ ...now, kind: item.kind }, from, name);
  };
  const nameOf = (id) => (id === space.root ? space.name : (folder.path.find((s) => s.id === id) ?? all.find((i) => i.kind === "folder" && i.id === id)).name);
  const { drag, drop } = useDragging((item, id) => move(item, id, nameOf(id)).catch((problem) => failed(item, problem)));
  const act = { move: (item) => setWindow({ name: "move", item }), rename: (item) => setWindow({ name: "rename", item }), remove };
  const is = (name) => window_?.name === name;
  return (
    <>
      <div class="page-head">
        <PlaceHeading title={shown(space.name)} current={space.id} go={go} />
        <Search value={search} change={setSearch} label={t("search_space")} />
        <div class="buttons">
          <button type="button" class="quiet" onClick={() => setWindow({ name: "members" })}><Icon name="people" />{t("members")}</button>
          {mayChange && <button type="button" class="quiet" onClick={() => setWindow({ name: "folder" })}><Icon name="plus" />{t("new_folder")}</button>}
          {mayChange && !isEmpty && <UploadButtons />}
        </div>
      </div>
      <Breadcrumb space={space} folder={folder} go={go} drop={mayChange ? drop : () => ({})} />
      {mayChange && <Unfinished />}
      <p class="hidden" role="status">{busy ? "" : t("count_items", { n: items.length })}</p>
      {error && <Problem error={error} retry={reload} />}
      {isEmpty && (search
        ? <Empty icon="search" title={t("nothing_found", { text: search })} text={t("nothing_found_text")} />
        : mayChange
          ? <Empty icon="upload" title={t("empty_folder_drop")} text={t("empty_folder_text")} kind="drop"><UploadButtons /></Empty>
          : <Empty icon="files" title={t("empty_folder")} />)}
      {items.length > 0 && (
        <div class="card">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{t("name")}</th>
                <th scope="col" class="wide">{t("owner")}</th>
                <th scope="col" class="number">{t("size")}</th>
                <th scope="col" class="middle">{t("added")}</th>
                <th scope="col"><span class="hidden">{t("actions")}</span></th>
              </tr>
            </thead>
            <tbody>
              {items.map((i) => <Row key={pathOf(i)} item={i} mayChange={mayChange} open={(item) => setWindow({ name: "details", item })} act={act} go={go} drag={drag} drop={drop} isFound={!!search} />)}
            </tbody>
          </table>
        </div>
      )}
      {next && !error && <More more={more} busy={busy} />}
      {is("details") && <Details key={window_.item.id} file={window_.item} address={filePath(window_.item)} close={close} act={act} mayChange={mayChange} />}
      {is("rename") && <Rename file={window_.item} address={pathOf(window_.item)} close={close} renamed={() => (close(), reload())} />}
      {is("move") && <Move item={window_.item} space={space} start={folder.id} close={close} moved={async (item, to) => {
        await move(item, to.id, to.parent ? to.name : space.name);
        close();
      }} />}
      {is("folder") && <NewFolder folder={folder} close={close} created={() => (close(), reload())} />}
      {is("members") && <Members space={space} close={close} changed={setSpace} />}
    </>
  );
}
