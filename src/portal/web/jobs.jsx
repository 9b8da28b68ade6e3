// SPDX-License-Identifier: Apache-2.0
// The background work of the account: a list that is looked at again while something runs, and one job as it goes (server-sent events).
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, get, session } from "./api.js";
import { addTexts, number, t, time } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { JOBS_TEXTS } from "./texts/jobs.js";
import { Dialog, Empty, Problem } from "./ui.jsx";
import "./styles/jobs.css";

addTexts(JOBS_TEXTS);

const STATES = ["queued", "running", "done", "failed", "cancelled"];
const LOOK_MS = 3000;
const isActive = (job) => job.state === "queued" || job.state === "running";
const address = (job) => `/v1/native/jobs/${job.id}`;

function useJobs(state) {
  const [list, setList] = useState({ jobs: [], next: "", busy: true, error: null });
  const load = async (after, kept) => {
    try {
      const query = new URLSearchParams({ limit: 100, ...(state && { state }), ...(after && { after }) });
      const page = await get(`/v1/native/jobs?${query}`);
      setList({ jobs: [...kept, ...page.jobs], next: page.next ?? "", busy: false, error: null });
    } catch (error) {
      setList((l) => ({ ...l, busy: false, error }));
    }
  };
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    load("", []);
    const timer = setInterval(() => {
      const { jobs } = latest.current;
      if (document.visibilityState === "visible" && jobs.length <= 100 && jobs.some(isActive)) load("", []);
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [state]);
  const change = (job) => setList((l) => ({ ...l, jobs: l.jobs.map((j) => (j.id === job.id ? job : j)) }));
  return { ...list, change, more: () => load(list.next, list.jobs), reload: () => load("", []) };
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
    <Dialog title={t("job", { id })} close={close} kind="drawer">
      {error && <Problem error={error} />}
      <p class="hidden" role="status">{t("job_says", { id, state: t(`job_${job.state}`) })}</p>
      <dl class="facts">
        {facts.filter(([, value]) => value).map(([name, value]) => [<dt>{t(name)}</dt>, <dd>{value}</dd>])}
      </dl>
      {session.admin && (
        <div class="buttons">
          {isActive(job) && <button type="button" class="quiet" onClick={() => act("cancel")}><Icon name="close" />{t("job_cancel")}</button>}
          {(job.state === "failed" || job.state === "cancelled") && <button type="button" onClick={() => act("retry")}><Icon name="retry" />{t("job_again")}</button>}
        </div>
      )}
    </Dialog>
  );
}

export function Jobs() {
  const [state, setState] = useState("");
  const [opened, setOpened] = useState(null);
  const { jobs, next, busy, error, more, reload, change } = useJobs(state);
  return (
    <>
      <div class="page-head">
        <h1>{t("jobs")}</h1>
        <label>
          <span class="hidden">{t("state")}</span>
          <select value={state} onChange={(e) => setState(e.currentTarget.value)}>
            <option value="">{t("job_any")}</option>
            {STATES.map((s) => <option value={s}>{t(`job_${s}`)}</option>)}
          </select>
        </label>
      </div>
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
