// SPDX-License-Identifier: Apache-2.0
// Parts that the pages share.
import { createContext } from "preact";
import { useContext, useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icons.jsx";
import { t } from "./i18n.js";

export function errorText(error) {
  const known = ["offline", "forbidden", "not_found", "conflict", "name_taken", "bad_parent", "too_large", "quota", "no_space", "rate_limited", "unavailable", "corrupt", "elsewhere", "link_full"];
  return known.includes(error.code) ? t(`error_${error.code}`) : t("error_invalid", { message: error.message ?? "" });
}

export function IconButton({ icon, label, ...rest }) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}

export function Empty({ icon, title, text, kind = "", children }) {
  return (
    <div class={`empty ${kind}`}>
      <span class="empty-icon"><Icon name={icon} width="32" height="32" /></span>
      <h2>{title}</h2>
      {text && <p>{text}</p>}
      {children}
    </div>
  );
}

export function Problem({ error, retry }) {
  return (
    <div class="problem" role="alert">
      <Icon name="alert" />
      <span>{errorText(error)}</span>
      {retry && <button type="button" class="quiet" onClick={retry}>{t("retry")}</button>}
    </div>
  );
}

// A modal window of the browser: it keeps the focus, and Escape closes it.
export function Dialog({ title, close, children, kind = "" }) {
  const dialog = useRef();
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    element.showModal();
    return () => element.close();
  }, []);
  const onCancel = (event) => {
    event.preventDefault();
    close?.();
  };
  const onClick = (event) => event.target === dialog.current && close?.();
  return (
    <dialog ref={dialog} class={`dialog ${kind}`} aria-labelledby={id} onCancel={onCancel} onMouseDown={onClick}>
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          {close && <IconButton icon="close" label={t("close")} onClick={close} />}
        </header>
        {children}
      </div>
    </dialog>
  );
}

// ---- short messages at the lower edge

const Notes = createContext(() => {});
export const useNotes = () => useContext(Notes);

// note(text, { action, label, seconds, onEnd }): shows a text, with a button if there is an action. onEnd: it has gone by itself.
export function NotesProvider({ children }) {
  const [notes, setNotes] = useState([]);
  const last = useRef(0);
  const drop = (id) => setNotes((all) => all.filter((n) => n.id !== id));
  const note = (text, { action, label, seconds = 5 } = {}) => {
    const id = ++last.current;
    setNotes((all) => [...all, { id, text, action, label }]);
    setTimeout(drop, seconds * 1000, id);
  };
  return (
    <Notes.Provider value={note}>
      {children}
      <div class="notes" role="status" aria-live="polite">
        {notes.map((n) => (
          <div class="note" key={n.id}>
            <span>{n.text}</span>
            {n.action && <button type="button" class="quiet" onClick={() => (drop(n.id), n.action())}>{n.label}</button>}
            <IconButton icon="close" label={t("close")} onClick={() => drop(n.id)} />
          </div>
        ))}
      </div>
    </Notes.Provider>
  );
}
