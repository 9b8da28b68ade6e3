// SPDX-License-Identifier: Apache-2.0
// What the parts of the administration share.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.js";
import { t } from "../i18n.js";
import { Icon } from "../icons.jsx";
import { Dialog, Problem, useNotes } from "../ui.jsx";

// A list in pages. `name`: of its items in the reply; path: with a query.
export function useList(path, name) {
  const [list, setList] = useState({ items: [], next: "", busy: true, error: null });
  const load = async (after, kept) => {
    setList((l) => ({ ...l, busy: true, error: null }));
    try {
      const page = await get(after ? `${path}&after=${encodeURIComponent(after)}` : path);
      setList({ items: [...kept, ...page[name]], next: page.next ?? "", busy: false, error: null });
    } catch (error) {
      setList((l) => ({ ...l, busy: false, error }));
    }
  };
  useEffect(() => {
    load("", []);
  }, [path]);
  const replace = (item) => setList((l) => ({ ...l, items: l.items.map((i) => (i.id === item.id ? item : i)) }));
  const drop = (id) => setList((l) => ({ ...l, items: l.items.filter((i) => i.id !== id) }));
  return { ...list, replace, drop, more: () => load(list.next, list.items), reload: () => load("", []) };
}

export const More = ({ list, label = t("more") }) =>
  list.next && !list.error && <button type="button" class="quiet more" disabled={list.busy} onClick={list.more}>{label}</button>;

// An error in words of this place; conflict, missing: what 409 and 404 mean here.
export function Trouble({ error, conflict, missing }) {
  const text = { conflict, not_found: missing }[error.code];
  return text ? <div class="problem" role="alert"><Icon name="alert" /><span>{text}</span></div> : <Problem error={error} />;
}

export function Copy({ text, label = t("adm_copy") }) {
  const note = useNotes();
  const copy = () => navigator.clipboard.writeText(text).then(() => note(t("adm_copied")));
  return navigator.clipboard ? <button type="button" class="quiet copy" onClick={copy}><Icon name="copy" />{label}</button> : null;
}

export function Ask({ title, text, label, act, close, conflict }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      {error && <Trouble error={error} conflict={conflict} />}
      <p>{text}</p>
      <div class="buttons">
        <button type="button" class="danger" disabled={busy} onClick={go}>{label}</button>
        <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
      </div>
    </Dialog>
  );
}
