// SPDX-License-Identifier: Apache-2.0
// Whether the server is well.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.js";
import { bytes, number, t, time } from "../i18n.js";
import { Icon } from "../icons.jsx";
import { Problem } from "../ui.jsx";

function Card({ title, isGood, badge, facts }) {
  return (
    <section class="card health">
      <h3>{title}</h3>
      <span class={`badge ${isGood ? "ready" : "wrong"}`}><Icon name={isGood ? "check" : "alert"} width="14" height="14" />{badge}</span>
      <dl class="facts">{facts.filter(([, value]) => value).map(([name, value]) => [<dt>{t(name)}</dt>, <dd>{value}</dd>])}</dl>
    </section>
  );
}

function Store({ title, store, more = [] }) {
  const isGood = store.status === "ok" && !store.writes_fail;
  return (
    <Card title={title} isGood={isGood} badge={isGood ? t("adm_works") : store.status}
      facts={[...more, ["adm_last_write", time(store.last_write_at)], ["adm_last_failure", time(store.last_failure_at)]]} />
  );
}

function Cards({ health }) {
  const { scrub, jobs } = health;
  const damaged = health.damage_found + (scrub?.damaged ?? 0);
  return (
    <div class="measures">
      <Store title={t("adm_database")} store={health.stores.metadata} />
      <Store title={t("adm_blobs")} store={health.stores.blobs} more={[["adm_free", health.free_bytes !== undefined && bytes(health.free_bytes)]]} />
      {scrub && (
        <Card title={t("adm_scrub")} isGood={!damaged} badge={damaged ? `${t("adm_damage")}: ${number(damaged)}` : `${t("adm_damage")}: ${t("adm_damage_none")}`}
          facts={[["adm_begun", time(scrub.begun_at)], ["adm_round", `${number(scrub.percent)} %`]]} />
      )}
      {jobs && (
        <Card title={t("jobs")} isGood={!jobs.failed} badge={`${t("adm_jobs_failed")}: ${number(jobs.failed)}`} facts={[["adm_jobs_open", number(jobs.queued + jobs.running)]]} />
      )}
    </div>
  );
}

export function Health() {
  const [health, setHealth] = useState(null);
  const [error, setError] = useState(null);
  const load = async () => {
    setError(null);
    try {
      setHealth(await get("/v1/native/account/health"));
    } catch (failed) {
      setError(failed);
    }
  };
  useEffect(() => {
    load();
  }, []);
  return (
    <>
      <div class="part-head">
        <h2>{t("adm_health")}</h2>
        <button type="button" class="quiet" onClick={load}><Icon name="retry" />{t("adm_refresh")}</button>
      </div>
      {error && <Problem error={error} retry={load} />}
      {health && (
        <>
          <p class={`state-line ${health.status === "ok" ? "good" : "wrong"}`} role="status">
            <Icon name={health.status === "ok" ? "check" : "alert"} />
            <strong>{health.status === "ok" ? t("adm_ok") : t("adm_not_ok", { status: health.status })}</strong>
            <span class="soft">{t("adm_version")} {health.version}</span>
          </p>
          <Cards health={health} />
        </>
      )}
    </>
  );
}
