// SPDX-License-Identifier: Apache-2.0
// The keys of the account. What a new key is made of is in one window, and is gone when that is closed.
import { useEffect, useState } from "preact/hooks";
import { ask, get } from "../api.js";
import { shown, t, time } from "../i18n.js";
import { Icon } from "../icons.jsx";
import { Dialog, Empty, Problem, useNotes } from "../ui.jsx";
import { lineFor } from "./curl.js";
import { Ask, Copy, More, Trouble, useList } from "./parts.jsx";

const KEYS = "/v1/native/account/keys";
const stateText = (key) => t(key.state === "active" ? "adm_key_active" : `adm_${key.state}`);

function Fields({ purpose }) {
  return (
    <>
      {purpose.roles.length > 0 && (
        <label class="field">{t("adm_role")}<select name="role">{[...new Set(purpose.roles)].map((role) => <option>{role}</option>)}</select></label>
      )}
      {purpose.workspace && (
        <>
          <label class="field">{t("adm_workspace")}<input name="workspace" required maxlength="255" autocomplete="off" spellcheck={false} /></label>
          <label class="field">{t("adm_bucket")}<input name="bucket" required maxlength="255" autocomplete="off" spellcheck={false} /></label>
          <label class="field"><span>{t("adm_expires")} <span class="soft">({t("adm_optional")})</span></span><input name="expires" type="datetime-local" /></label>
        </>
      )}
      {purpose.form === "public" && <label class="field">{t("adm_public_key")}<textarea name="public_key" required rows="4" spellcheck={false} autocomplete="off" /></label>}
      {purpose.form === "application" && <label class="field">{t("adm_callbacks")}<textarea name="callbacks" rows="3" spellcheck={false} autocomplete="off" /></label>}
    </>
  );
}

function bodyOf(elements, purpose) {
  const value = (name) => elements[name]?.value.trim() ?? "";
  const body = { login: value("login"), for: purpose.for };
  for (const name of ["role", "workspace", "bucket", "public_key"]) if (value(name)) body[name] = value(name);
  if (value("expires")) body.expires_at = new Date(value("expires")).toISOString();
  const callbacks = value("callbacks").split("\n").map((line) => line.trim()).filter(Boolean);
  if (callbacks.length) body.callbacks = callbacks;
  return body;
}

function Made({ made }) {
  const line = lineFor(made);
  return (
    <>
      <p class="warning" role="status"><Icon name="alert" /><span>{t("adm_once")}</span></p>
      <dl class="facts parts">
        {Object.entries(made.parts).map(([name, value]) => [<dt>{name}</dt>, <dd><code class="secret-part">{value}</code><Copy text={value} /></dd>])}
      </dl>
      {line && (
        <>
          <h3>{t("adm_try")}</h3>
          <pre class="secret" tabindex="0" aria-label={t("adm_try")}>{line}</pre>
          <Copy text={line} />
        </>
      )}
    </>
  );
}

function NewKey({ purposes, logins, close, added }) {
  const [chosen, setChosen] = useState(purposes[0].for);
  const [made, setMade] = useState(null);
  const [error, setError] = useState(null);
  const purpose = purposes.find((p) => p.for === chosen);
  const save = async (event) => {
    event.preventDefault();
    setError(null);
    try {
      setMade(await ask("POST", KEYS, { body: bodyOf(event.currentTarget.elements, purpose) }));
      added();
    } catch (failed) {
      setError(failed);
    }
  };
  if (made)
    return (
      <Dialog title={t("adm_key", { id: String(made.id) })} close={close} kind="roomy">
        <Made made={made} />
        <div class="buttons last"><button type="button" onClick={close}>{t("adm_done")}</button></div>
      </Dialog>
    );
  return (
    <Dialog title={t("adm_new_key")} close={close}>
      <form onSubmit={save} autocomplete="off">
        {error && <Trouble error={error} conflict={t("adm_key_refused")} missing={t("adm_no_such")} />}
        <label class="field">{t("adm_for")}
          <select name="for" value={chosen} onChange={(e) => setChosen(e.currentTarget.value)}>{purposes.map((p) => <option>{p.for}</option>)}</select>
        </label>
        <label class="field">{t("adm_login")}<input name="login" list="key-logins" required maxlength="128" autocomplete="off" spellcheck={false} dir="auto" /></label>
        <datalist id="key-logins">{logins.map((login) => <option value={login} />)}</datalist>
        <Fields key={chosen} purpose={purpose} />
        <div class="buttons">
          <button>{t("adm_make_key")}</button>
          <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
        </div>
      </form>
    </Dialog>
  );
}

// What the form needs: what keys are for, and who has them.
function useChoices() {
  const [choices, setChoices] = useState(null);
  useEffect(() => {
    Promise.all([get("/v1/native/account/key-purposes"), get("/v1/native/account/users?limit=200")]).then(
      ([{ purposes }, { users }]) => setChoices({ purposes, logins: users.filter((u) => u.state === "active").map((u) => u.login) }),
      () => {}, // the list says what is wrong
    );
  }, []);
  return choices;
}

const publicPart = (key) => key.access_key_id ?? key.client_id ?? key.fingerprint ?? "";

export function Keys() {
  const [all, setAll] = useState(false);
  const list = useList(`${KEYS}?limit=100&state=${all ? "all" : "active"}`, "keys");
  const note = useNotes();
  const choices = useChoices();
  const [asking, setAsking] = useState(null);
  const [making, setMaking] = useState(false);
  const revoke = async () => {
    await ask("DELETE", `${KEYS}/${asking.id}`);
    setAsking(null);
    list.reload();
    note(t("adm_was_revoked"));
  };
  return (
    <>
      <div class="part-head">
        <h2>{t("adm_keys")}</h2>
        <label class="check"><input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} />{t("adm_with_revoked")}</label>
        <button type="button" disabled={!choices} onClick={() => setMaking(true)}>{t("adm_new_key")}</button>
      </div>
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {!list.items.length && !list.busy && !list.error && <Empty icon="admin" title={t("adm_keys_empty")} text={t("adm_keys_empty_text")} />}
      {list.items.length > 0 && (
        <div class="card">
          <table class="list keys">
            <thead>
              <tr>
                <th scope="col">{t("adm_for")}</th>
                <th scope="col">{t("adm_login")}</th>
                <th scope="col" class="middle">{t("state")}</th>
                <th scope="col" class="wide">{t("adm_last_used")}</th>
                <th scope="col" class="wide">{t("added")}</th>
                <th scope="col"><span class="hidden">{t("actions")}</span></th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((key) => (
                <tr key={key.id}>
                  <td class="who"><span>{key.for}{key.role && <span class="soft"> · {key.role}</span>}</span>
                    <small class="soft cut"><bdi>{[publicPart(key), key.workspace && `${key.workspace} / ${key.bucket}`].filter(Boolean).join(" · ") || t("adm_key", { id: String(key.id) })}</bdi></small></td>
                  <td class="cut"><bdi>{shown(key.login)}</bdi></td>
                  <td class="middle who"><span class={`badge ${key.state === "active" ? "ready" : ""}`}>{stateText(key)}</span>
                    {key.expires_at && <small class="soft cut">{t("adm_expires")}: {time(key.expires_at)}</small>}</td>
                  <td class="wide">{time(key.last_used_at) || t("adm_unused")}</td>
                  <td class="wide who"><span class="soft">{time(key.created_at)}</span>
                    {key.created_by && <small class="soft cut">{t("adm_creator")}: <bdi>{shown(key.created_by)}</bdi></small>}</td>
                  <td class="row-actions">{key.state !== "revoked" &&
                    <button type="button" class="quiet compact" aria-label={`${t("adm_revoke")}: ${t("adm_key", { id: String(key.id) })}`} onClick={() => setAsking(key)}>{t("adm_revoke")}</button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More list={list} />
      {making && <NewKey purposes={choices.purposes} logins={choices.logins} close={() => setMaking(false)} added={list.reload} />}
      {asking && <Ask title={t("adm_revoke_ask", { id: String(asking.id), login: shown(asking.login) })} text={t("adm_revoke_text")} label={t("adm_revoke")} act={revoke} close={() => setAsking(null)} />}
    </>
  );
}
