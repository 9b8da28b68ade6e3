// SPDX-License-Identifier: Apache-2.0
// The users of the account.
import { useState } from "preact/hooks";
import { ask, session } from "../api.js";
import { shown, t, time } from "../i18n.js";
import { Icon } from "../icons.jsx";
import { Dialog, Empty, Problem, useNotes } from "../ui.jsx";
import { Ask, Copy, More, Trouble, useList } from "./parts.jsx";

const USERS = "/v1/native/account/users";
const address = (user) => `${USERS}/${user.id}`;
const isSelf = (user) => user.login === session.login;

const State = ({ user }) => <span class={`badge ${user.state === "active" ? "ready" : ""}`}>{t(`adm_${user.state}`)}</span>;
const roleOf = (user) => [t(user.admin ? "adm_admin" : "adm_member"), user.kind === "bot" && t("adm_bot")].filter(Boolean).join(" · ");

function Add({ close, added }) {
  const [error, setError] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    const { login, name, email, admin, bot } = event.currentTarget.elements;
    setError(null);
    try {
      added(await ask("POST", USERS, { body: { login: login.value, name: name.value, email: email.value, admin: admin.checked, bot: bot.checked } }));
    } catch (failed) {
      setError(failed);
    }
  };
  return (
    <Dialog title={t("adm_add_user")} close={close}>
      <form onSubmit={save}>
        {error && <Trouble error={error} conflict={t("adm_taken")} />}
        <label class="field">{t("adm_login")}<input name="login" required maxlength="128" autocomplete="off" spellcheck={false} dir="auto" /></label>
        <label class="field"><span>{t("adm_full_name")} <span class="soft">({t("adm_optional")})</span></span><input name="name" maxlength="256" autocomplete="off" dir="auto" /></label>
        <label class="field"><span>{t("adm_email")} <span class="soft">({t("adm_optional")})</span></span><input name="email" type="email" maxlength="256" autocomplete="off" /></label>
        <label class="check"><input type="checkbox" name="admin" />{t("adm_is_admin")}</label>
        <label class="check"><input type="checkbox" name="bot" />{t("adm_is_bot")}</label>
        <div class="buttons">
          <button>{t("adm_add")}</button>
          <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
        </div>
      </form>
    </Dialog>
  );
}

function SetPassword({ user, done }) {
  const [problem, setProblem] = useState("");
  const [error, setError] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    const { fresh, again } = event.currentTarget.elements;
    setError(null);
    if (fresh.value !== again.value) return setProblem(t("adm_password_differs"));
    setProblem("");
    try {
      await ask("PUT", `${address(user)}/password`, { body: { password: fresh.value } });
      done();
    } catch (failed) {
      setError(failed);
    }
  };
  return (
    <form class="inset" onSubmit={save}>
      {error && <Problem error={error} />}
      {problem && <p class="problem" role="alert">{problem}</p>}
      <input class="hidden" name="username" autocomplete="username" value={user.login} readonly tabindex="-1" aria-hidden="true" />
      <label class="field">{t("adm_password")}<input type="password" name="fresh" autocomplete="new-password" required minlength="8" maxlength="1024" /></label>
      <label class="field">{t("adm_password_again")}<input type="password" name="again" autocomplete="new-password" required /></label>
      <p class="soft">{t("adm_password_rule")}</p>
      <button>{t("adm_set_password")}</button>
    </form>
  );
}

// The link is in this part of the page alone, and goes with it.
function Link({ user }) {
  const [link, setLink] = useState(null);
  const [error, setError] = useState(null);
  const make = async () => {
    setError(null);
    try {
      setLink(await ask("POST", `${address(user)}/link`));
    } catch (failed) {
      setError(failed);
    }
  };
  if (!link)
    return (
      <div class="inset">
        {error && <Trouble error={error} conflict={t("adm_link_refused")} />}
        <p>{t("adm_link_ask", { login: shown(user.login) })}</p>
        <button type="button" onClick={make}>{t("adm_link_make")}</button>
      </div>
    );
  const text = location.origin + link.path;
  return (
    <div class="inset" role="status">
      <p>{t("adm_link_ready", { time: time(link.expires_at) })}</p>
      <pre class="secret" tabindex="0" aria-label={t("adm_link")}>{text}</pre>
      <Copy text={text} />
    </div>
  );
}

function Details({ user, close, change, removed }) {
  const note = useNotes();
  const [error, setError] = useState(null);
  const [part, setPart] = useState("");
  const patch = async (body) => {
    setError(null);
    try {
      change(await ask("PATCH", address(user), { body }));
    } catch (failed) {
      setError(failed);
    }
  };
  const toggle = (name) => setPart(part === name ? "" : name);
  const facts = [
    ["adm_full_name", user.name && <bdi>{shown(user.name)}</bdi>], ["adm_email", user.email && <bdi>{shown(user.email)}</bdi>], ["adm_role", roleOf(user)],
    ["state", <State user={user} />], ["added", time(user.created_at)], ["id", String(user.id)],
  ];
  if (part === "delete")
    return (
      <Ask title={t("adm_delete_user", { login: shown(user.login) })} text={t("adm_delete_user_text")} label={t("delete")} conflict={t("adm_last")}
        close={() => setPart("")} act={async () => (await ask("DELETE", address(user)), removed(user))} />
    );
  return (
    <Dialog title={<bdi>{shown(user.login)}</bdi>} close={close} kind="drawer">
      {error && <Trouble error={error} conflict={t("adm_last")} />}
      <dl class="facts">{facts.filter(([, value]) => value).map(([name, value]) => [<dt>{t(name)}</dt>, <dd>{value}</dd>])}</dl>
      <div class="buttons">
        <button type="button" class="quiet" onClick={() => patch({ admin: !user.admin })}><Icon name="admin" />{t(user.admin ? "adm_no_admin" : "adm_make_admin")}</button>
        {!isSelf(user) && (
          <>
            <button type="button" class="quiet" onClick={() => patch({ state: user.state === "active" ? "disabled" : "active" })}>
              <Icon name={user.state === "active" ? "pause" : "play"} />{t(user.state === "active" ? "adm_disable" : "adm_enable")}
            </button>
            <button type="button" class="quiet" aria-expanded={part === "link"} onClick={() => toggle("link")}><Icon name="copy" />{t("adm_link")}</button>
            <button type="button" class="quiet" aria-expanded={part === "password"} onClick={() => toggle("password")}><Icon name="edit" />{t("adm_set_password")}</button>
            <button type="button" class="quiet" onClick={() => setPart("delete")}><Icon name="trash" />{t("delete")}</button>
          </>
        )}
      </div>
      {part === "link" && <Link user={user} />}
      {part === "password" && <SetPassword user={user} done={() => (setPart(""), note(t("adm_password_set")))} />}
    </Dialog>
  );
}

export function Users() {
  const list = useList(`${USERS}?limit=100`, "users");
  const note = useNotes();
  const [opened, setOpened] = useState(0);
  const [adding, setAdding] = useState(false);
  const added = (user) => {
    setAdding(false);
    list.reload();
    note(t("adm_user_added"));
  };
  const removed = (user) => {
    setOpened(0);
    list.drop(user.id);
    note(t("adm_deleted", { login: shown(user.login) }));
  };
  const of = list.items.find((u) => u.id === opened);
  return (
    <>
      <div class="part-head">
        <h2>{t("adm_users")}</h2>
        <button type="button" onClick={() => setAdding(true)}>{t("adm_add_user")}</button>
      </div>
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {!list.items.length && !list.busy && !list.error && <Empty icon="admin" title={t("adm_users_empty")} />}
      {list.items.length > 0 && (
        <div class="card">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{t("adm_login")}</th>
                <th scope="col" class="middle">{t("name")}</th>
                <th scope="col">{t("adm_role")}</th>
                <th scope="col" class="middle">{t("state")}</th>
                <th scope="col" class="wide">{t("added")}</th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((user) => (
                <tr key={user.id}>
                  <td class="who">
                    <button type="button" class="link" onClick={() => setOpened(user.id)}><bdi>{shown(user.login)}</bdi></button>
                    {isSelf(user) && <span class="soft"> ({t("adm_you")})</span>}
                  </td>
                  <td class="middle cut"><bdi>{shown(user.name)}</bdi></td>
                  <td>{roleOf(user)}</td>
                  <td class="middle"><State user={user} /></td>
                  <td class="wide">{time(user.created_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More list={list} />
      {adding && <Add close={() => setAdding(false)} added={added} />}
      {of && <Details key={of.id} user={of} close={() => setOpened(0)} change={list.replace} removed={removed} />}
    </>
  );
}
