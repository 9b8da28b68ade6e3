// SPDX-License-Identifier: Apache-2.0
// Who did what: the audit log, newest first. A search looks at a part of it at a time, and goes on when asked to.
import { useState } from "preact/hooks";
import { shown, t, time } from "../i18n.js";
import { Icon } from "../icons.jsx";
import { Empty, Problem } from "../ui.jsx";
import { More, useList } from "./parts.jsx";

const EVENTS = "/v1/native/account/events";
const DAY_MS = 86400000;
const startOf = (value) => new Date(`${value}T00:00`); // the day of the person

function queryOf(elements) {
  const value = (name) => elements[name].value.trim();
  const query = new URLSearchParams({ limit: 50 });
  for (const name of ["text", "actor", "action", "subject"]) if (value(name)) query.set(name, value(name));
  if (value("from")) query.set("from", startOf(value("from")).toISOString());
  if (value("to")) query.set("to", new Date(startOf(value("to")).getTime() + DAY_MS).toISOString());
  return query.toString();
}

const Field = ({ name, type = "text" }) => (
  <label class="field">{t(`adm_${name}`)}<input name={name} type={type} maxlength={type === "text" ? 85 : undefined} autocomplete="off" spellcheck={false} /></label>
);

function Table({ events }) {
  return (
    <div class="card">
      <table class="list events">
        <thead>
          <tr>
            <th scope="col">{t("adm_when")}</th>
            <th scope="col">{t("adm_actor")}</th>
            <th scope="col">{t("adm_action")}</th>
            <th scope="col" class="middle">{t("adm_subject")}</th>
            <th scope="col" class="wide">{t("adm_detail")}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.id}>
              <td>{time(event.at)}</td>
              <td class="cut">{event.actor ? <bdi>{shown(event.actor)}</bdi> : t("adm_server")}</td>
              <td><code>{event.action}</code></td>
              <td class="middle cut"><bdi title={shown(event.subject)}>{shown(event.subject)}</bdi></td>
              <td class="wide cut"><bdi title={shown(event.detail)}>{shown(event.detail)}</bdi></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Audit() {
  const [query, setQuery] = useState("limit=50");
  const list = useList(`${EVENTS}?${query}`, "events");
  const search = (event) => {
    event.preventDefault();
    setQuery(queryOf(event.currentTarget.elements));
  };
  const isSearch = query !== "limit=50", none = !list.items.length && !list.busy && !list.error;
  return (
    <>
      <h2 class="hidden">{t("adm_audit")}</h2>
      <form class="card search-form" role="search" aria-label={t("adm_search")} onSubmit={search}>
        <Field name="text" /><Field name="actor" /><Field name="action" /><Field name="subject" /><Field name="from" type="date" /><Field name="to" type="date" />
        <button><Icon name="search" />{t("adm_find")}</button>
      </form>
      <p class="hidden" role="status">{list.busy ? t("loading") : t("adm_events_found", { n: list.items.length })}</p>
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {none && (list.next ? <Empty icon="search" title={t("adm_events_none")} text={t("adm_events_none_text")} /> : <Empty icon="search" title={t("adm_events_empty")} />)}
      {list.items.length > 0 && <Table events={list.items} />}
      <More list={list} label={isSearch ? t("adm_back") : t("more")} />
    </>
  );
}
