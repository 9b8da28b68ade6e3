// SPDX-License-Identifier: Apache-2.0
// What the account uses, now and over time. The chart is a script of its own.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../api.js";
import { bytes, language, number, t } from "../i18n.js";
import { lazy } from "../lazy.jsx";
import { Empty, Problem } from "../ui.jsx";

const Chart = lazy(() => import("../chart.jsx"), "Chart");
const SPANS = [30, 90, 365, 731];
const STEPS = Array.from({ length: 50 }, (_, i) => 2 ** i); // of the axis
const DAY_MS = 86400000;
const dayText = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const axisText = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
const day = (text) => dayText.format(new Date(text));
const sumOf = (figures) => figures.used_bytes + figures.record_bytes;

function Measure({ label, value, hint, part }) {
  return (
    <div class="measure card">
      <span class="soft">{label}</span>
      <strong>{value}</strong>
      {part !== undefined && <progress max="1" value={Math.min(part, 1)} aria-label={label} />}
      <small class="soft">{hint}</small>
    </div>
  );
}

const limitText = (limit, format) => (limit === null ? t("adm_no_limit") : t("adm_of_limit", { limit: format(limit) }));
const share = (used, limit) => (limit === null ? undefined : limit ? used / limit : 1);

function Now({ account }) {
  const used = account.used_bytes + account.record_bytes;
  return (
    <div class="measures">
      <Measure label={t("adm_used")} value={bytes(used)} hint={limitText(account.max_bytes, bytes)} part={share(used, account.max_bytes)} />
      <Measure label={t("adm_files")} value={number(account.used_files)} hint={limitText(account.max_files, number)} part={share(account.used_files, account.max_files)} />
      <Measure label={t("adm_records")} value={bytes(account.record_bytes)} hint={t("adm_records_text")} />
      <Measure label={t("adm_garbage")} value={bytes(account.garbage_bytes)} />
      <Measure label={t("adm_uploads")} value={number(account.open_uploads + account.pending_files)} />
    </div>
  );
}

// A point for each day; one without numbers is a gap.
function lineOf(days) {
  const by = new Map(days.map((d) => [Date.parse(d.day), sumOf(d)]));
  const first = Date.parse(days[0].day), count = Math.round((Date.parse(days.at(-1).day) - first) / DAY_MS) + 1;
  const all = Array.from({ length: count }, (_, i) => first + i * DAY_MS);
  return { labels: all.map((at) => axisText.format(at)), series: [{ title: t("adm_used"), values: all.map((at) => by.get(at) ?? null) }] };
}

function useFigures(span) {
  const [figures, setFigures] = useState({ days: null, error: null });
  const load = async () => {
    const from = new Date(Date.now() - (span - 1) * DAY_MS).toISOString().slice(0, 10);
    try {
      const [account, { days }] = await Promise.all([get("/v1/native/account"), get(`/v1/native/account/figures?from=${from}`)]);
      setFigures({ account, days, error: null });
    } catch (error) {
      setFigures((f) => ({ ...f, error }));
    }
  };
  useEffect(() => {
    load();
  }, [span]);
  return { ...figures, reload: load };
}

export function Storage() {
  const [span, setSpan] = useState(90);
  const { account, days, error, reload } = useFigures(span);
  const line = useMemo(() => (days?.length ? lineOf(days) : null), [days]);
  const ends = days?.length && { from: day(days[0].day), to: day(days.at(-1).day), first: bytes(sumOf(days[0])), last: bytes(sumOf(days.at(-1))) };
  return (
    <>
      <h2 class="hidden">{t("adm_storage")}</h2>
      {error && <Problem error={error} retry={reload} />}
      {account && <Now account={account} />}
      <div class="part-head">
        <h2>{t("adm_over_time")}</h2>
        <label>
          <span class="hidden">{t("adm_days")}</span>
          <select value={span} onChange={(e) => setSpan(Number(e.currentTarget.value))}>
            {SPANS.map((n) => <option value={n}>{n > 365 ? t("adm_two_years") : t("adm_last_days", { n })}</option>)}
          </select>
        </label>
      </div>
      {days && !days.length && <Empty icon="data" title={t("adm_figures_empty")} />}
      {ends && (
        <>
          <div class="figures-chart">
            <Chart kind="line" labels={line.labels} series={line.series} name={t("adm_day")} format={bytes} exact={bytes} steps={STEPS} fromZero says={t("adm_chart", ends)} />
          </div>
          <details class="card figures">
            <summary>{t("adm_as_table")}</summary>
            <div class="scrolled" tabindex="0" role="region" aria-label={t("adm_over_time")}>
              <table class="list">
                <thead>
                  <tr>
                    <th scope="col">{t("adm_day")}</th>
                    <th scope="col" class="number">{t("adm_used")}</th>
                    <th scope="col" class="number">{t("adm_files")}</th>
                    <th scope="col" class="number middle">{t("adm_garbage")}</th>
                  </tr>
                </thead>
                <tbody>
                  {days.toReversed().map((d) => (
                    <tr key={d.day}>
                      <th scope="row">{day(d.day)}</th>
                      <td class="number">{bytes(sumOf(d))}</td>
                      <td class="number">{number(d.used_files)}</td>
                      <td class="number middle">{bytes(d.garbage_bytes)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </details>
        </>
      )}
    </>
  );
}
