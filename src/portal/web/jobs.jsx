// SPDX-License-Identifier: Apache-2.0
// Imports and other background work of the account: lists that are looked at again while something runs, one job as it goes (server-sent
// events), and what an import found wrong.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, get, session } from "./api.js";
import { addTexts, bytes, number, shown, t, time } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { RowErrors } from "./row_errors.jsx";
import { JOBS_TEXTS } from "./texts/jobs.js";
import { Dialog, Empty, Problem } from "./ui.jsx";
import "./styles/jobs.css";

addTexts(JOBS_TEXTS);

const STATES = ["queued", "running", "done", "failed", "cancelled"];
const LOOK_MS = 3000; // how often a list is looked at while something in it waits or runs
const IDLE_LOOKS = 5; // a list in which nothing does is looked at each fifth time: new items come, also of the state that is shown
const isActive = (job) => job.state === "queued" || job.state === "running";
const address = (job) => `/v1/native/jobs/${job.id}`;

// Pages of a list at an address; `name` is its member. It is looked at again, more often while `isBusy` finds something in it. A reply
// that another request has overtaken is dropped: it may be that of other parameters.
function useList(name, params, isBusy) {
  const [list, setList] = useState({ items: [], next: "", busy: true, error: null });
  const asked = useRef(0);
  const load = async (after, kept) => {
    const mine = ++asked.current;
    const show = (change) => mine === asked.current && setList(change);
    try {
      const page = await get(`/v1/native/${name}?${new URLSearchParams({ limit: 100, ...params, ...(after && { after }) })}`);
      show({ items: [...kept, ...page[name]], next: page.next ?? "", busy: false, error: null });
    } catch (error) {
      show((l) => ({ ...l, busy: false, error }));
    }
  };
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    load("", []);
    let looks = 0;
    const timer = setInterval(() => {
      const { items } = latest.current;
      if (document.visibilityState !== "visible" || items.length > 100) return;
      if (items.some(isBusy) || ++looks % IDLE_LOOKS === 0) load("", []);
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [JSON.stringify(params)]);
  const change = (item) => setList((l) => ({ ...l, items: l.items.map((i) => (i.id === item.id ? item : i)) }));
  return { ...list, change, more: () => load(list.next, list.items), reload: () => load("", []) };
}

const State = ({ job }) => <span class={`badge job-${job.state}`}>{t(`job_${job.state}`)}</span>;

function Progress({ job }) {
  if (!job.progress && !job.total) return "–";
  return (
    <span class="job-progress">
      {job.total ? t("job_done_items", { done: job.progress, n: job.total }) : number(job.progress)}
      {job.total > 0 && <progress max={job.total} value={job.progress} aria-label={t("up_progress", { name: t("job", { id: String(job.id) }) })} />}
    </span>
  );
}

// ---- what an import reads, and what is wrong with it

const importIsActive = (i) => i.state === "queued" || i.state === "processing";
const Facts = ({ facts }) => <dl class="facts">{facts.filter(([, value]) => value).map(([name, value]) => [<dt>{t(name)}</dt>, <dd>{value}</dd>])}</dl>;
const rowsText = ({ inserted, updated, deleted, failed }) => t("import_rows_text", { inserted, updated, deleted, failed });

function Errors({ address }) {
  const [errors, setErrors] = useState([]);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    get(address).then((reply) => setErrors(reply.errors), setProblem);
  }, [address]);
  if (problem) return <Problem error={problem} />;
  return errors.length > 0 && <section class="import-errors"><h3>{t("data_errors")}</h3><RowErrors errors={errors} address={address} /></section>;
}

function ImportPart({ of }) {
  const has = of.rows.failed > 0 || of.state === "failed" || of.state === "imported_with_errors";
  return (
    <>
      <Facts facts={[
        ["import_file", <bdi>{shown(of.name)}</bdi>], ["size", bytes(of.size)], ["import_place", <bdi>{shown(`${of.workspace} / ${of.bucket}`)}</bdi>], ["import_entity", of.entity_type && <bdi>{shown(of.entity_type)}</bdi>],
        ["import_source", of.data_source && <bdi>{shown(of.data_source)}</bdi>], ["import_rows", of.imports > 0 && rowsText(of.rows)], ["import_times", of.imports > 1 && number(of.imports)],
      ]} />
      {has && <Errors key={of.imports} address={`/v1/native/imports/${of.id}/errors`} />}
    </>
  );
}

// Of a job that imports. It is asked for again when the job changes its state.
function ImportOfJob({ job }) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    get(`${address(job)}/import`).then(setFound, () => setFound(null)); // a file that was removed meanwhile
  }, [job.id, job.state]);
  if (!found) return null;
  if (found.import) return <ImportPart of={found.import} />;
  const { file, dataset, dataset_name: name } = found;
  return (
    <>
      <Facts facts={[["import_file", <bdi>{shown(file.name)}</bdi>], ["size", bytes(file.size)], ["import_schema", <a href={`/portal/data#${dataset}`}><bdi>{shown(name)}</bdi></a>], ["import_rows", number(file.rows)]]} />
      {file.error_count > 0 && <Errors key={job.state} address={`/v1/native/datasets/${dataset}/files/${file.id}/errors`} />}
    </>
  );
}

function ImportDetails({ of, close, change }) {
  const [file, setFile] = useState(of);
  const [job, setJob] = useState(null);
  const [error, setError] = useState(null);
  const set = (now) => {
    setFile(now);
    change(now);
  };
  const load = () => get(`/v1/native/imports/${of.id}`).then(set, setError);
  useEffect(() => {
    if (!importIsActive(file) || !file.job) return;
    const events = new EventSource(`/v1/native/jobs/${file.job}/events`);
    events.addEventListener("state", (event) => {
      const now = JSON.parse(event.data);
      setJob(now);
      if (isActive(now)) return;
      events.close(); // it would connect again
      load();
    });
    return () => events.close();
  }, [file.job, importIsActive(file)]);
  const act = async (path) => {
    setError(null);
    try {
      const now = await ask("POST", path);
      if (now.rows) set(now);
      else load();
    } catch (problem) {
      setError(problem);
    }
  };
  const hasBytes = !["created", "expired", "purged"].includes(file.state);
  return (
    <Dialog title={shown(file.name)} close={close} kind="drawer wide-drawer">
      {error && <Problem error={error} />}
      <p role="status"><span class={`badge import-${file.state}`}>{t(`import_${file.state}`)}</span></p>
      {importIsActive(file) && job && <p><Progress job={job} /></p>}
      <ImportPart of={file} />
      <Facts facts={[["added", time(file.created_at)], ["job_started", time(file.started_at)], ["job_finished", time(file.finished_at)]]} />
      <div class="buttons">
        {importIsActive(file) && <button type="button" class="quiet" onClick={() => act(`/v1/native/jobs/${file.job}/cancel`)}><Icon name="close" />{t("import_cancel")}</button>}
        {hasBytes && !importIsActive(file) && <button type="button" onClick={() => act(`/v1/native/imports/${file.id}/retry`)}><Icon name="retry" />{t(file.imports ? "import_again" : "import_now")}</button>}
      </div>
    </Dialog>
  );
}

function Imports() {
  const [opened, setOpened] = useState(null);
  const { items, next, busy, error, more, reload, change } = useList("imports", {}, importIsActive);
  return (
    <>
      {error && <Problem error={error} retry={reload} />}
      {!busy && !error && items.length === 0 && <Empty icon="imports" title={t("imports_empty")} text={t("imports_empty_text")} />}
      {items.length > 0 && (
        <div class="card">
          <table class="list">
            <thead><tr><th scope="col">{t("import_file")}</th><th scope="col">{t("state")}</th><th scope="col" class="middle">{t("import_rows")}</th><th scope="col" class="wide">{t("import_place")}</th><th scope="col" class="middle">{t("added")}</th></tr></thead>
            <tbody>
              {items.map((i) => (
                <tr key={i.id}>
                  <td class="job-kind"><span class="kind"><Icon name="file" /></span><button type="button" class="link" onClick={() => setOpened(i)}><bdi>{shown(i.name)}</bdi></button></td>
                  <td><span class={`badge import-${i.state}`}>{t(`import_${i.state}`)}</span></td>
                  <td class="middle">{i.imports > 0 ? t("job_done_items", { done: i.rows.done - i.rows.failed, n: i.rows.total }) : "–"}</td>
                  <td class="wide"><bdi>{shown(`${i.workspace} / ${i.bucket}`)}</bdi></td>
                  <td class="middle when">{time(i.created_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && !error && <button type="button" class="quiet more" disabled={busy} onClick={more}>{t("more")}</button>}
      {opened && <ImportDetails key={opened.id} of={opened} close={() => setOpened(null)} change={change} />}
    </>
  );
}

// ---- one job

function Details({ of, close, change }) {
  const [job, setJob] = useState(of);
  const [error, setError] = useState(null);
  useEffect(() => {
    const events = new EventSource(`${address(of)}/events`);
    events.addEventListener("state", (event) => {
      const now = JSON.parse(event.data);
      setJob(now);
      change(now);
      if (!isActive(now)) events.close(); // it would connect again
    });
    return () => events.close();
  }, [of.id, isActive(job)]);
  const act = async (what) => {
    setError(null);
    try {
      const now = await ask("POST", `${address(job)}/${what}`);
      setJob(now);
      change(now);
    } catch (problem) {
      setError(problem);
    }
  };
  const id = String(job.id);
  const facts = [
    ["state", <State job={job} />], ["job_kind", job.kind], ["job_subject", job.subject && <code>{job.subject}</code>], ["job_progress", <Progress job={job} />],
    ["job_attempts", number(job.attempts)], ["job_error", job.error && <span class="bad">{job.error}</span>], ["added", time(job.created_at)],
    ["job_run_at", job.state === "queued" && time(job.run_at)], ["job_started", time(job.started_at)], ["job_finished", time(job.finished_at)],
  ];
  return (
    <Dialog title={t("job", { id })} close={close} kind="drawer wide-drawer">
      {error && <Problem error={error} />}
      <p class="hidden" role="status">{t("job_says", { id, state: t(`job_${job.state}`) })}</p>
      <Facts facts={facts} />
      {session.admin && (job.kind === "import" || job.kind === "ingest") && <ImportOfJob job={job} />}
      {session.admin && (
        <div class="buttons">
          {isActive(job) && <button type="button" class="quiet" onClick={() => act("cancel")}><Icon name="close" />{t("job_cancel")}</button>}
          {(job.state === "failed" || job.state === "cancelled") && <button type="button" onClick={() => act("retry")}><Icon name="retry" />{t("job_again")}</button>}
        </div>
      )}
    </Dialog>
  );
}

function JobList({ state }) {
  const [opened, setOpened] = useState(null);
  const { items: jobs, next, busy, error, more, reload, change } = useList("jobs", state ? { state } : {}, isActive);
  return (
    <>
      {error && <Problem error={error} retry={reload} />}
      {!jobs.length && !busy && !error && <Empty icon="imports" title={t(state ? "jobs_none_so" : "jobs_empty")} text={state ? "" : t("jobs_empty_text")} />}
      {jobs.length > 0 && (
        <div class="card">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{t("job_kind")}</th>
                <th scope="col">{t("state")}</th>
                <th scope="col" class="middle">{t("job_progress")}</th>
                <th scope="col" class="wide">{t("job_error")}</th>
                <th scope="col" class="middle">{t("added")}</th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={job.id}>
                  <td class="job-kind">
                    <span class="kind"><Icon name="imports" /></span>
                    <button type="button" class="link" onClick={() => setOpened(job)}>{job.kind} <span class="soft">{job.id}</span></button>
                  </td>
                  <td><State job={job} /></td>
                  <td class="middle"><Progress job={job} /></td>
                  <td class="wide job-error">{job.error}</td>
                  <td class="middle when">{time(job.created_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && !error && <button type="button" class="quiet more" disabled={busy} onClick={more}>{t("more")}</button>}
      {opened && <Details key={opened.id} of={opened} close={() => setOpened(null)} change={change} />}
    </>
  );
}

// Administrators also see the sync files of all workspaces.
export function Jobs() {
  const [state, setState] = useState("");
  const [view, setView] = useState("jobs");
  return (
    <>
      <div class="page-head">
        <h1>{t("jobs")}</h1>
        {session.admin && (
          <div class="segments" role="group" aria-label={t("jobs_view")}>
            {["jobs", "imports"].map((v) => <button type="button" aria-pressed={v === view} onClick={() => setView(v)}>{t(`jobs_view_${v}`)}</button>)}
          </div>
        )}
        {view === "jobs" && (
          <label>
            <span class="hidden">{t("state")}</span>
            <select value={state} onChange={(e) => setState(e.currentTarget.value)}>
              <option value="">{t("job_any")}</option>
              {STATES.map((s) => <option value={s}>{t(`job_${s}`)}</option>)}
            </select>
          </label>
        )}
      </div>
      {view === "jobs" ? <JobList state={state} /> : <Imports />}
    </>
  );
}
