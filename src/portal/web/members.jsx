// SPDX-License-Identifier: Apache-2.0
// Who is in a space; and, for its administrators, its name and its end.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, get, session } from "./api.js";
import { shown, t } from "./i18n.js";
import { refreshSpaces, visit } from "./places.jsx";
import { removeLater, undoRemoval, UNDO_SECONDS } from "./removal.js";
import { Dialog, errorText, IconButton, Problem, useNotes } from "./ui.jsx";

const ROLES = ["viewer", "editor", "manager", "administrator"];

const Roles = ({ value, ...rest }) => (
  <select value={value} {...rest}>{ROLES.map((role) => <option value={role} selected={role === value}>{t(`space_role_${role}`)}</option>)}</select>
);

function Add({ path, added }) {
  const [error, setError] = useState(null);
  const login = useRef();
  const add = async (event) => {
    event.preventDefault();
    setError(null);
    const chosen = new FormData(event.currentTarget);
    try {
      await ask("PUT", `${path}/members/${encodeURIComponent(chosen.get("login").trim())}`, { body: { role: chosen.get("role") } });
      login.current.value = "";
      added();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <form class="member-add" onSubmit={add}>
      {error && <p class="problem" role="alert">{error.code === "not_found" ? t("no_such_user") : errorText(error)}</p>}
      <label class="field">{t("member_login")}<input ref={login} name="login" required maxlength="254" spellcheck={false} autocomplete="off" autocapitalize="none" /></label>
      <label class="field">{t("space_role")}<Roles name="role" value="editor" /></label>
      <button>{t("add_member")}</button>
    </form>
  );
}

function Settings({ space, path, changed, close }) {
  const [error, setError] = useState(null);
  const field = useRef();
  const note = useNotes();
  const save = async (event) => {
    event.preventDefault();
    setError(null);
    try {
      changed(await ask("PATCH", path, { body: { name: field.current.value } }));
      await refreshSpaces();
      note(t("space_saved"));
    } catch (problem) {
      setError(problem);
    }
  };
  const remove = () => {
    const name = shown(space.name);
    removeLater(path, (problem) => note(t("not_done", { name, why: errorText(problem) })), refreshSpaces);
    note(t("deleted_space", { name }), { label: t("undo"), action: () => undoRemoval(path) && visit(`/portal/space/${space.id}`), seconds: UNDO_SECONDS });
    close();
    visit("/portal");
  };
  return (
    <form class="space-settings" onSubmit={save}>
      {error && <Problem error={error} />}
      <label class="field">{t("space_name")}<input ref={field} name="space-name" value={space.name} required maxlength="255" dir="auto" /></label>
      <div class="buttons">
        <button class="quiet">{t("save")}</button>
        {space.role === "administrator" && <button type="button" class="quiet bad" onClick={remove}>{t("delete_space")}</button>}
      </div>
    </form>
  );
}

export function Members({ space, close, changed }) {
  const [list, setList] = useState({ members: [], next: "" });
  const [error, setError] = useState(null);
  const path = `/v1/native/spaces/${space.id}`;
  const isAdmin = space.role === "administrator";
  const load = (after, kept) => get(`${path}/members?${new URLSearchParams({ limit: 200, ...(after && { after }) })}`).then(
    (page) => setList({ members: [...kept, ...page.members], next: page.next ?? "" }), setError);
  const reload = () => load("", []);
  useEffect(() => void reload(), []);
  const change = (method, member, body) => ask(method, `${path}/members/${encodeURIComponent(member.login)}`, { body }).then(
    () => (setError(null), reload()), (problem) => (setError(problem), reload()));
  return (
    <Dialog title={t("members")} close={close} kind="drawer">
      {error && <Problem error={error} />}
      <p class="hidden" role="status">{t("count_members", { n: list.members.length })}</p>
      <ul class="members">
        {list.members.map((m) => (
          <li key={m.login}>
            <bdi>{m.login}</bdi>
            {m.state !== "approved" ? <span class="badge">{t("not_approved")}</span>
              : isAdmin ? <Roles value={m.role} aria-label={t("space_role_of", { name: m.login })} onChange={(e) => change("PUT", m, { role: e.currentTarget.value })} />
                : <span class="soft">{t(`space_role_${m.role}`)}</span>}
            {(isAdmin || m.login === session.login) && <IconButton icon="close" label={t("remove_member", { name: m.login })} onClick={() => change("DELETE", m)} />}
          </li>
        ))}
      </ul>
      {list.next && <button type="button" class="quiet" onClick={() => load(list.next, list.members)}>{t("more")}</button>}
      {isAdmin && <Add path={path} added={reload} />}
      {["manager", "administrator"].includes(space.role) && <Settings space={space} path={path} changed={changed} close={close} />}
    </Dialog>
  );
}
