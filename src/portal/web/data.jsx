// SPDX-License-Identifier: Apache-2.0
// Data: schemas made from a sample file, the files of each, and questions about their rows. The address of a schema is /portal/data#SLUG.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, get, session, ApiError } from "./api.js";
import { inspect } from "./convert.js";
import { addTexts, bytes, shown, t, time } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { ColumnRows, FileButton, useDrop } from "./import.jsx";
import { Schema } from "./schema.jsx";
import { DATA_TEXTS } from "./texts/data.js";
import { Dialog, Empty, Problem } from "./ui.jsx";
import "./styles/data.css";

addTexts(DATA_TEXTS);

// ---- a new schema of a file

function NewSchema({ file, close, made }) {
  const [found, setFound] = useState(null);
  const [columns, setColumns] = useState([]);
  const [name, setName] = useState(file.name.replace(/^.*[/\\]/, "").replace(/(\.(csv|tsv|txt|json|jsonl|ndjson|gz))+$/i, "").slice(0, 200));
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    inspect(file).then((f) => {
      setFound(f);
      setColumns(f.columns.map((c) => ({ ...c, required: false })));
    }, (e) => setError(e instanceof ApiError ? e : new ApiError(400, "no_rows", "")));
  }, [file]);
  const create = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const schema = await ask("POST", "/v1/native/datasets", { body: { name: name.trim(), columns: columns.map((c) => ({ name: c.name, type: c.type, required: c.required })) } });
      made(schema, { file, form: found.form, columns });
    } catch (e) {
      setBusy(false);
      setError(e);
    }
  };
  return (
    <Dialog title={t("data_new")} close={close} kind="wide-dialog">
      {error && (error.code === "no_rows" ? <p class="problem" role="alert"><Icon name="alert" /><span>{t("data_no_rows")}</span></p> : <Problem error={error} />)}
      {!found && !error && <p class="soft" role="status">{t("data_looking")}</p>}
      {found && (
        <form onSubmit={create}>
          <label class="field">{t("name")}<input value={name} maxlength="255" required onInput={(e) => setName(e.currentTarget.value)} /></label>
          <p class="soft">{t("data_found", { n: columns.length })}</p>
          <ColumnRows columns={columns} change={setColumns} />
          <div class="buttons">
            <button disabled={busy || !columns.length}><Icon name="check" />{t("data_create")}</button>
            <button type="button" class="quiet" onClick={close}>{t("cancel")}</button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

// ---- the list

function Schemas({ take }) {
  const [list, setList] = useState(null);
  const [error, setError] = useState(null);
  const load = async () => {
    setError(null);
    try {
      let found = [], after = "";
      do {
        const page = await get(`/v1/native/datasets?limit=1000${after && `&after=${after}`}`);
        found = [...found, ...page.datasets];
        after = page.next ?? "";
      } while (after);
      setList(found);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => {
    load();
  }, []);
  return (
    <>
      <div class="title">
        <h1>{t("data")}</h1>
        {list?.length > 0 && <FileButton onFile={take} label={t("data_new")} />}
      </div>
      {error && <Problem error={error} retry={load} />}
      {list?.length === 0 && (
        <Empty icon="data" title={t("data_empty")} text={t("data_empty_text")} kind="drop">
          <FileButton onFile={take} label={t("data_choose")} />
          <p class="hint">{t("data_kinds")}</p>
        </Empty>
      )}
      {list?.length > 0 && (
        <ul class="schemas">
          {list.map((s) => (
            <li key={s.slug}>
              <a href={`#${s.slug}`}>
                <span class="kind"><Icon name="data" /></span>
                <strong><bdi>{shown(s.name)}</bdi></strong>
                <span class="soft">{t("data_columns_n", { n: s.columns.length })} · {bytes(s.size)}</span>
                <span class="soft">{t("data_changed", { time: time(s.modified_at) })}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const slugOfAddress = () => decodeURIComponent(location.hash.slice(1));

export function Data() {
  const [slug, setSlug] = useState(slugOfAddress);
  const [file, setFile] = useState(null); // of which a schema is to be made
  const [first, setFirst] = useState(null); // what is imported into a schema that was just made
  const overlay = useRef((f) => setFile(f));
  const drop = useDrop((f) => overlay.current(f));
  useEffect(() => {
    const moved = () => {
      const now = slugOfAddress();
      setSlug(now);
      setFirst((f) => (f?.slug === now ? f : null)); // who comes back later does not send it again
    };
    addEventListener("hashchange", moved);
    addEventListener("popstate", moved);
    return () => {
      removeEventListener("hashchange", moved);
      removeEventListener("popstate", moved);
    };
  }, []);
  if (!session.admin) return <Empty icon="data" title={t("data")} text={t("data_for_admins")} />;
  const made = (schema, source) => {
    setFile(null);
    setFirst({ slug: schema.slug, ...source });
    location.hash = schema.slug;
  };
  overlay.current = (f) => !slug && setFile(f);
  return (
    <>
      {slug ? <Schema key={slug} slug={slug} first={first?.slug === slug ? first : null} onDrop={overlay} /> : <Schemas take={setFile} />}
      {drop}
      {file && <NewSchema file={file} close={() => setFile(null)} made={made} />}
    </>
  );
}
