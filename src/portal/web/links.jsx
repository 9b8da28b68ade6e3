// SPDX-License-Identifier: Apache-2.0
// Links by which people without an account upload: made, copied once, looked at, revoked.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, get } from "./api.js";
import { addTexts, bytes, number, shown, t, time } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { LINKS_TEXTS } from "./texts/links.js";
import { Dialog, Empty, IconButton, Problem, useNotes } from "./ui.jsx";
import "./styles/links.css";

addTexts(LINKS_TEXTS);

const ADDRESS = "/v1/native/links";
const DAYS = [1, 7, 30, 90, 365];
const MIB = 1 << 20;
const FILE_SIZES = [10, 100, 1024, 10 * 1024, 100 * 1024].map((n) => n * MIB);
const ALL_SIZES = [100, 1024, 10 * 1024, 100 * 1024, 1024 * 1024].map((n) => n * MIB);
const hasEnded = (link) => link.state === "revoked" || link.state === "expired";

const State = ({ link }) => <span class={`badge link-${link.state}`}>{t(`link_${link.state}`)}</span>;

// ---- making one

function Choice({ label, value, change, values, text }) {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={(e) => change(Number(e.currentTarget.value))}>
        {values.map((v) => <option value={v}>{text(v)}</option>)}
      </select>
    </label>
  );
}

function Make({ close, made }) {
  const [days, setDays] = useState(7);
  const [file, setFile] = useState(FILE_SIZES[2]);
  const [all, setAll] = useState(ALL_SIZES[2]);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    const { label, files } = event.currentTarget.elements;
    setBusy(true);
    try {
      made(await ask("POST", ADDRESS, {
        body: { label: label.value.trim(), lifetime_seconds: days * 86400, max_files: Number(files.value), max_bytes: all, max_file_bytes: Math.min(file, all) },
      }));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("link_new")} close={close}>
      <form onSubmit={send}>
        {error && <Problem error={error} />}
        <label class="field">
          {t("link_label")}
          <input name="label" required maxlength="60" autocomplete="off" autofocus />
          <small>{t("link_label_hint")}</small>
        </label>
        <div class="field-pair">
          <Choice label={t("link_lifetime")} value={days} change={setDays} values={DAYS} text={(n) => t("link_days", { n })} />
          <label class="field">
            {t("link_max_files")}
            <input name="files" type="number" min="1" max="10000" defaultValue="100" required />
          </label>
          <Choice label={t("link_max_file")} value={file} change={setFile} values={FILE_SIZES} text={bytes} />
          <Choice label={t("link_max_bytes")} value={all} change={setAll} values={ALL_SIZES} text={bytes} />
        </div>
        <div class="buttons">
          <button disabled={busy}>{t("link_create")}</button>
          <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
        </div>
      </form>
    </Dialog>
  );
}

// The only time that its address is shown.
function Made({ link, close }) {
  const field = useRef();
  const note = useNotes();
  const address = `${location.origin}/portal/drop#${link.secret}`;
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      document.execCommand("copy"); // without https there is no clipboard
    }
    note(t("copied"));
  };
  return (
    <Dialog title={t("link_ready")} close={close}>
      <p>{t("link_once")}</p>
      <div class="link-address">
        <input ref={field} readonly value={address} aria-label={t("link_address")} onFocus={(e) => e.currentTarget.select()} />
        <IconButton icon="copy" label={t("link_copy")} onClick={copy} autofocus />
      </div>
      <div class="buttons"><button type="button" onClick={close}>{t("link_done")}</button></div>
    </Dialog>
  );
}

// ---- one

function Came({ link }) {
  const [{ files, next, error }, setList] = useState({ files: null, next: "", error: null });
  const load = (after, kept) =>
    get(`${ADDRESS}/${link.id}/files?${new URLSearchParams({ limit: 100, ...(after && { after }) })}`).then(
      (page) => setList({ files: [...kept, ...page.files], next: page.next ?? "", error: null }),
      (problem) => setList((l) => ({ ...l, error: problem })));
  useEffect(() => {
    load("", []);
  }, [link.id]);
  return (
    <>
      <h3>{t("link_came")}</h3>
      {error && <Problem error={error} retry={() => load("", [])} />}
      {files && !files.length && <p class="soft">{t("link_nothing")}</p>}
      {files?.length > 0 && (
        <ul class="came">
          {files.map((f) => <li key={f.id}><Icon name="file" /><bdi title={shown(f.name)}>{shown(f.name)}</bdi><span>{bytes(f.size)}</span></li>)}
        </ul>
      )}
      {next && <button type="button" class="quiet more" onClick={() => load(next, files)}>{t("more")}</button>}
    </>
  );
}

function Details({ of, close, revoke }) {
  const [link, setLink] = useState(of);
  useEffect(() => {
    get(`${ADDRESS}/${of.id}`).then(setLink, () => {}); // its counts as they are now
  }, [of.id]);
  const facts = [
    ["state", <State link={link} />], ["owner", <bdi>{link.owner}</bdi>], ["link_files", t("link_of", { done: link.files, all: link.max_files })],
    ["link_bytes", t("link_of", { done: bytes(link.bytes), all: bytes(link.max_bytes) })], ["link_max_file", bytes(link.max_file_bytes)],
    ["added", time(link.created_at)], ["link_until", time(link.expires_at)],
  ];
  return (
    <Dialog title={shown(link.label)} close={close} kind="drawer">
      <dl class="facts">{facts.map(([name, value]) => [<dt>{t(name)}</dt>, <dd>{value}</dd>])}</dl>
      <Came link={link} />
      {!hasEnded(link) && <p class="soft">{t("link_revoke_text")}</p>}
      <div class="buttons">
        <button type="button" class="quiet" onClick={() => revoke(link)}>
          <Icon name={hasEnded(link) ? "trash" : "close"} />{t(hasEnded(link) ? "link_remove" : "link_revoke")}
        </button>
      </div>
    </Dialog>
  );
}

// ---- all

function useLinks() {
  const [list, setList] = useState({ links: [], next: "", busy: true, error: null });
  const load = async (after, kept) => {
    try {
      const page = await get(`${ADDRESS}?${new URLSearchParams({ limit: 100, ...(after && { after }) })}`);
      setList({ links: [...kept, ...page.links], next: page.next ?? "", busy: false, error: null });
    } catch (error) {
      setList((l) => ({ ...l, busy: false, error }));
    }
  };
  useEffect(() => {
    load("", []);
  }, []);
  return { ...list, more: () => load(list.next, list.links), reload: () => load("", []) };
}

export function Links() {
  const { links, next, busy, error, more, reload } = useLinks();
  const [opened, setOpened] = useState(null);
  const [dialog, setDialog] = useState(null); // "make", or the link that was made
  const [problem, setProblem] = useState(null);
  const note = useNotes();
  const revoke = async (link) => {
    setOpened(null);
    setProblem(null);
    try {
      await ask("DELETE", `${ADDRESS}/${link.id}`);
      if (!hasEnded(link)) note(t("link_is_revoked", { name: shown(link.label) }));
    } catch (e) {
      setProblem(e);
    }
    reload();
  };
  const made = (link) => {
    setDialog(link);
    reload();
  };
  return (
    <>
      <div class="page-head">
        <h1>{t("links")}</h1>
        <button type="button" onClick={() => setDialog("make")}><Icon name="link" />{t("link_new")}</button>
      </div>
      {(error ?? problem) && <Problem error={error ?? problem} retry={error && reload} />}
      {!links.length && !busy && !error && <Empty icon="link" title={t("links_empty")} text={t("links_empty_text")} />}
      {links.length > 0 && (
        <div class="card">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{t("link_label")}</th>
                <th scope="col">{t("state")}</th>
                <th scope="col" class="middle">{t("link_files")}</th>
                <th scope="col" class="wide">{t("link_bytes")}</th>
                <th scope="col" class="middle">{t("link_until")}</th>
                <th scope="col"><span class="hidden">{t("actions")}</span></th>
              </tr>
            </thead>
            <tbody>
              {links.map((link) => (
                <tr key={link.id}>
                  <td class="link-label">
                    <span class="kind"><Icon name="link" /></span>
                    <button type="button" class="link" onClick={() => setOpened(link)}><bdi>{shown(link.label)}</bdi></button>
                  </td>
                  <td><State link={link} /></td>
                  <td class="middle">{t("link_of", { done: number(link.files), all: number(link.max_files) })}</td>
                  <td class="wide">{t("link_of", { done: bytes(link.bytes), all: bytes(link.max_bytes) })}</td>
                  <td class="middle when">{time(link.expires_at)}</td>
                  <td class="row-actions">
                    {!hasEnded(link) && <IconButton icon="close" label={t("link_revoke_name", { name: shown(link.label) })} onClick={() => revoke(link)} />}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && !error && <button type="button" class="quiet more" disabled={busy} onClick={more}>{t("more")}</button>}
      {dialog === "make" && <Make close={() => setDialog(null)} made={made} />}
      {dialog?.secret && <Made link={dialog} close={() => setDialog(null)} />}
      {opened && <Details key={opened.id} of={opened} close={() => setOpened(null)} revoke={revoke} />}
    </>
  );
}
