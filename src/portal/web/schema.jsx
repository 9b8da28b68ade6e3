// SPDX-License-Identifier: Apache-2.0
// One schema: its questions and its files.
import { useEffect, useState } from "preact/hooks";
import { ask, get, ApiError } from "./api.js";
import { inspect } from "./convert.js";
import { bytes, number, shown, t, time } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { ColumnRows, FileButton, ImportProgress, useImport } from "./import.jsx";
import { Query } from "./query.jsx";
import { RowErrors } from "./row_errors.jsx";
import { Dialog, Empty, IconButton, Problem, useNotes } from "./ui.jsx";

const LOOK_MS = 2000;

function Files({ schema, changed }) {
  const [list, setList] = useState({ files: null, next: "", error: null });
  const [opened, setOpened] = useState(null);
  const address = `/v1/native/datasets/${schema.slug}/files`;
  const load = async (after = "", kept = []) => {
    try {
      const page = await get(`${address}?limit=100${after && `&after=${after}`}`);
      setList({ files: [...kept, ...page.files], next: page.next ?? "", error: null });
    } catch (error) {
      setList((l) => ({ ...l, error }));
    }
  };
  useEffect(() => {
    load();
  }, [changed]);
  const isActive = list.files?.some((f) => f.state === "queued" || f.state === "running");
  useEffect(() => {
    if (!isActive) return;
    const timer = setInterval(() => document.visibilityState === "visible" && load(), LOOK_MS);
    return () => clearInterval(timer);
  }, [isActive]);
  const process = async () => {
    await ask("POST", `/v1/native/datasets/${schema.slug}/process`).catch((error) => setList((l) => ({ ...l, error })));
    load();
  };
  if (list.error) return <Problem error={list.error} retry={() => load()} />;
  if (!list.files) return <p class="soft" role="status">{t("loading")}</p>;
  if (!list.files.length) return <Empty icon="file" title={t("data_no_files")} text={t("data_no_files_text")} />;
  return (
    <>
      {list.files.some((f) => f.state === "waiting") && <p><button type="button" class="quiet" onClick={process}><Icon name="play" />{t("data_process")}</button></p>}
      <div class="card">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{t("name")}</th><th scope="col">{t("state")}</th><th scope="col" class="number">{t("data_rows")}</th>
              <th scope="col" class="number middle">{t("size")}</th><th scope="col" class="middle">{t("added")}</th><th scope="col"><span class="hidden">{t("actions")}</span></th>
            </tr>
          </thead>
          <tbody>
            {list.files.map((f) => (
              <tr key={f.id}>
                <td class="name"><span class="kind"><Icon name="file" /></span><bdi>{shown(f.name)}</bdi></td>
                <td>
                  <span class={`badge data-${f.state}`}>{t(f.duplicate_of ? "data_state_duplicate" : `data_state_${f.state}`)}</span>
                  {f.error_count > 0 && <button type="button" class="link bad" onClick={() => setOpened(f)}>{t("data_errors_n", { n: f.error_count })}</button>}
                </td>
                <td class="number">{number(f.rows)}</td>
                <td class="number middle">{bytes(f.size)}</td>
                <td class="middle">{time(f.created_at)}</td>
                <td class="row-actions"><IconButton icon="trash" label={t("data_delete_file", { name: shown(f.name) })} disabled={f.state === "running"} onClick={() => ask("DELETE", `${address}/${f.id}`).then(() => load(), (error) => setList((l) => ({ ...l, error })))} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {list.next && <button type="button" class="quiet more" onClick={() => load(list.next, list.files)}>{t("more")}</button>}
      {opened && <ErrorsOf file={opened} address={`${address}/${opened.id}/errors`} close={() => setOpened(null)} />}
    </>
  );
}

function ErrorsOf({ file, address, close }) {
  const [errors, setErrors] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    get(address).then((reply) => setErrors(reply.errors), setProblem);
  }, []);
  return (
    <Dialog title={shown(file.name)} close={close} kind="wide-dialog">
      {problem && <Problem error={problem} />}
      {errors && <RowErrors errors={errors} address={address} />}
    </Dialog>
  );
}

function Edit({ schema, close, saved, removed }) {
  const [name, setName] = useState(schema.name);
  const [columns, setColumns] = useState(schema.columns);
  const [strict, setStrict] = useState(schema.strict);
  const [isSure, setIsSure] = useState(false);
  const [error, setError] = useState(null);
  const address = `/v1/native/datasets/${schema.slug}`;
  const save = (event) => {
    event.preventDefault();
    ask("PATCH", address, { body: { name: name.trim(), strict, columns: columns.map((c) => ({ name: c.name, type: c.type, required: c.required })) } }).then(saved, setError);
  };
  return (
    <Dialog title={t("data_edit")} close={close} kind="wide-dialog">
      {error && <Problem error={error} />}
      <form onSubmit={save}>
        <label class="field">{t("name")}<input value={name} maxlength="255" required onInput={(e) => setName(e.currentTarget.value)} /></label>
        <ColumnRows columns={columns} change={setColumns} fixed={schema.columns.length} />
        <p><button type="button" class="quiet" onClick={() => setColumns([...columns, { name: "", type: "string", required: false }])}>{t("data_add_column")}</button></p>
        <label class="check"><input type="checkbox" checked={strict} onChange={(e) => setStrict(e.currentTarget.checked)} />{t("data_strict")}</label>
        <div class="buttons">
          <button>{t("save")}</button>
          <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
          <span class="spacer" />
          {isSure ? <button type="button" class="danger" onClick={() => ask("DELETE", address).then(removed, setError)}>{t("data_delete_sure")}</button>
            : <button type="button" class="quiet" onClick={() => setIsSure(true)}><Icon name="trash" />{t("data_delete")}</button>}
        </div>
      </form>
    </Dialog>
  );
}

// A file for a schema that is there: its columns find theirs by name.
async function columnsFor(file, schema) {
  const found = await inspect(file);
  const known = new Map(schema.columns.map((c) => [c.name.toLowerCase(), c.name]));
  return { form: found.form, columns: found.columns.map((c) => ({ ...c, name: known.get(c.name.toLowerCase()) ?? c.name })) };
}

export function Schema({ slug, first, onDrop }) {
  const [schema, setSchema] = useState(null);
  const [error, setError] = useState(null);
  const [tab, setTab] = useState("query");
  const [edits, setEdits] = useState(false);
  const [changed, setChanged] = useState(0);
  const note = useNotes();
  const load = () => get(`/v1/native/datasets/${slug}`).then(setSchema, setError);
  const importing = useImport((file) => {
    setChanged((n) => n + 1);
    if (file.state === "failed") setTab("files");
    load();
  });
  useEffect(() => {
    load().then(() => first && importing.start(slug, first.file, first.form, first.columns));
  }, [slug]);
  const take = async (file) => {
    if (importing.busy) return note(t("data_one_at_a_time"));
    try {
      const { form, columns } = await columnsFor(file, schema);
      importing.start(slug, file, form, columns);
    } catch (e) {
      note(e instanceof ApiError && e.code !== "no_rows" ? t("error_invalid", { message: e.message }) : t("data_no_rows"));
    }
  };
  onDrop.current = (file) => schema && take(file);
  const back = <a class="back" href="#"><Icon name="chevron" />{t("data")}</a>;
  if (error) return <>{back}<Problem error={error} /></>;
  if (!schema) return <p class="soft" role="status">{t("loading")}</p>;
  const tabs = ["query", "files"];
  const onKey = (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const next = tabs[(tabs.indexOf(tab) + 1) % tabs.length];
    setTab(next);
    document.getElementById(`tab-${next}`).focus();
  };
  return (
    <>
      {back}
      <div class="title">
        <h1><bdi>{shown(schema.name)}</bdi></h1>
        <div class="buttons">
          <button type="button" class="quiet" onClick={() => setEdits(true)}><Icon name="edit" />{t("data_edit")}</button>
          <FileButton onFile={take} label={t("data_add_file")} />
        </div>
      </div>
      <ImportProgress of={importing} slug={slug} />
      <div class="tabs" role="tablist" onKeyDown={onKey}>
        {tabs.map((name) => (
          <button type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="tab-panel" tabindex={tab === name ? 0 : -1} onClick={() => setTab(name)}>{t(`data_tab_${name}`)}</button>
        ))}
      </div>
      <div id="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "query" ? <Query key={schema.version} schema={schema} changed={changed} /> : <Files schema={schema} changed={changed} />}
      </div>
      {edits && <Edit schema={schema} close={() => setEdits(false)} saved={(now) => (setSchema(now), setEdits(false))} removed={() => (location.hash = "")} />}
    </>
  );
}
