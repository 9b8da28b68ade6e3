// SPDX-License-Identifier: Apache-2.0
// How a file of rows comes in: it is dropped or chosen, its columns are shown, it is sent and followed, and what is wrong with it is listed.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { asLines, follow } from "./convert.js";
import { send } from "./data_upload.js";
import { shown, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { RowErrors } from "./row_errors.jsx";
import { errorText, IconButton, Problem } from "./ui.jsx";

export const TYPES = ["string", "integer", "decimal", "float", "boolean", "date", "datetime", "datetime64", "json"];

// ---- a file that is dropped anywhere on this page is a file of rows

export function useDrop(onFile) {
  const [isOver, setIsOver] = useState(false);
  const latest = useRef();
  latest.current = onFile;
  useEffect(() => {
    let depth = 0;
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const on = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.stopImmediatePropagation(); // or the page of files would take it
      if (event.type === "dragenter") depth++;
      if (event.type === "dragleave") depth--;
      if (event.type === "drop") {
        depth = 0;
        if (event.dataTransfer.files[0]) latest.current(event.dataTransfer.files[0]);
      }
      setIsOver(depth > 0);
    };
    const names = ["dragenter", "dragleave", "dragover", "drop"];
    for (const name of names) addEventListener(name, on, true);
    return () => names.forEach((name) => removeEventListener(name, on, true));
  }, []);
  return isOver && <div class="drop-now"><span><Icon name="data" width="40" height="40" />{t("data_drop_now")}</span></div>;
}

export function FileButton({ onFile, label, kind = "" }) {
  const input = useRef();
  const chosen = ({ currentTarget }) => {
    const [file] = currentTarget.files;
    currentTarget.value = "";
    if (file) onFile(file);
  };
  return (
    <>
      <button type="button" class={kind} onClick={() => input.current.click()}><Icon name="upload" />{label}</button>
      <input ref={input} type="file" hidden accept=".csv,.tsv,.txt,.json,.jsonl,.ndjson,.gz" aria-label={label} onChange={chosen} />
    </>
  );
}

// ---- an import, from the file here to its rows there

// Sends a file and follows it. Returns { start, busy, view, file }, where `view` shows how far it is.
export function useImport(onEnd) {
  const [state, setState] = useState(null); // { step, done, all, name, file, error, errors }
  const set = (more) => setState((s) => ({ ...s, ...more }));
  const start = async (slug, file, form, columns) => {
    setState({ step: "reading", name: file.name });
    try {
      const lines = await asLines(file, form, columns);
      set({ step: "sending", done: 0, all: lines.blob.size });
      let stored = await send(slug, file, lines, ({ error, ...more }) => set({ ...more, interrupted: error }));
      set({ step: stored.job ? "importing" : stored.state, interrupted: null, file: stored, done: 0, all: stored.size });
      if (stored.job) {
        await follow(stored.job, (job) => set({ done: job.progress, all: job.total || stored.size }));
        stored = await get(`/v1/native/datasets/${slug}/files/${stored.id}`);
      }
      const { errors } = stored.error_count ? await get(`/v1/native/datasets/${slug}/files/${stored.id}/errors`) : { errors: [] };
      set({ step: stored.state, file: stored, errors });
      onEnd?.(stored);
    } catch (error) {
      set({ step: "problem", error });
    }
  };
  const busy = ["reading", "sending", "importing"].includes(state?.step);
  return { start, busy, state, clear: () => setState(null) };
}

export function ImportProgress({ of: { state, clear, busy }, slug }) {
  if (!state) return null;
  const { step, done, all, name, file, errors, error, interrupted } = state;
  const percent = all ? Math.min(100, Math.round((done / all) * 100)) : 0;
  return (
    <section class={`import ${step}`} aria-label={t("data_import")}>
      <div class="import-head">
        <span class="kind"><Icon name={step === "done" ? "check" : step === "failed" || step === "problem" ? "alert" : "imports"} /></span>
        <div>
          <strong><bdi>{shown(name)}</bdi></strong>
          <p role="status">
            {step === "done" ? (file.duplicate_of ? t("data_duplicate") : t("data_imported", { n: file.rows }))
              : step === "failed" ? t("data_failed", { n: file.error_count })
                : interrupted ? t("data_interrupted", { why: errorText(interrupted) })
                  : t(`data_step_${step}`, { percent })}
          </p>
        </div>
        {!busy && <IconButton icon="close" label={t("close")} onClick={clear} />}
      </div>
      {busy && <progress max="100" value={step === "reading" ? undefined : percent} aria-label={t("data_import_progress")} />}
      {error && <Problem error={error} />}
      {errors?.length > 0 && <RowErrors errors={errors} address={`/v1/native/datasets/${slug}/files/${file.id}/errors`} />}
    </section>
  );
}

// ---- the columns of a schema, to be changed

export function ColumnRows({ columns, change, fixed = 0 }) {
  const set = (at, more) => change(columns.map((c, i) => (i === at ? { ...c, ...more } : c)));
  return (
    <div class="scroll columns" tabindex="0" role="region" aria-label={t("data_columns")}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t("name")}</th><th scope="col">{t("type")}</th><th scope="col">{t("data_required")}</th>
            <th scope="col">{t("data_example")}</th><th scope="col"><span class="hidden">{t("actions")}</span></th>
          </tr>
        </thead>
        <tbody>
          {columns.map((c, at) => (
            <tr key={at}>
              <td><input value={c.name} maxlength="63" pattern="[A-Za-z_][A-Za-z0-9_]*" required disabled={at < fixed} aria-label={t("data_name_of", { n: at + 1 })} onInput={(e) => set(at, { name: e.currentTarget.value })} /></td>
              <td>
                <select value={c.type} disabled={at < fixed} aria-label={t("data_type_of", { name: c.name })} onChange={(e) => set(at, { type: e.currentTarget.value })}>
                  {[...new Set([...TYPES, c.type])].map((type) => <option value={type}>{TYPES.includes(type) ? t(`data_type_${type}`) : type}</option>)}
                </select>
              </td>
              <td><input type="checkbox" checked={c.required} disabled={at < fixed} aria-label={t("data_required_of", { name: c.name })} onChange={(e) => set(at, { required: e.currentTarget.checked })} /></td>
              <td class="example"><bdi>{shown(c.example ?? "")}</bdi></td>
              <td>{at >= fixed && <IconButton icon="trash" label={t("data_drop_column", { name: c.name })} onClick={() => change(columns.filter((_, i) => i !== at))} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
