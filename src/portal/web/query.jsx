// SPDX-License-Identifier: Apache-2.0
// Questions about the rows of a schema, made of controls alone; the request that they make is shown.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, session, ApiError } from "./api.js";
import { Chart } from "./chart.jsx";
import { number, shown, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { Empty, IconButton, Problem, useNotes } from "./ui.jsx";

const WAIT_MS = 350; // after a change, before it is asked
const PAGES = [25, 100, 500, 1000];
const CHART_POINTS = 500;
const AGGREGATES = ["", "count", "count_distinct", "sum", "avg", "min", "max"];
const PARTS = ["", "date", "month", "year", "hour"];

const isNumber = (type) => /^(u?int|integer|decimal|float)/i.test(type);
const isTime = (type) => /^date/.test(type);
const isId = (name) => /(^|_)(id|ids|code|codigo|cpf|cnpj|zip|cep)$/i.test(name);

// The name that the server gives the item in the result.
const resultName = (i) => [i.aggregate, i.column, i.part].filter((w) => w).join("_").slice(0, 63);
const titleOf = (i) => {
  const column = i.column ? shown(i.column) : t("q_rows");
  const of = i.part ? t("q_part_of", { part: t(`q_part_${i.part}`), column }) : column;
  return i.aggregate ? t("q_aggregate_of", { aggregate: t(`q_agg_${i.aggregate}`), column: of }) : of;
};

// Questions that the columns suggest: all rows, and one for each chart that says something.
function suggestions(columns) {
  const numbers = columns.filter((c) => isNumber(c.type) && !isId(c.name));
  const value = numbers.find((c) => /decimal|float/.test(c.type)) ?? numbers[0];
  const text = columns.find((c) => c.type === "string" && !isId(c.name)) ?? columns.find((c) => c.type === "boolean");
  const time = columns.find((c) => isTime(c.type));
  const made = [{ name: "rows", title: t("q_all_rows"), items: [], order: null, chart: "" }];
  const add = (items, chart, order) => made.push({ name: items.map(resultName).join("."), title: t("q_suggest", { what: titleOf(items[1]), by: titleOf(items[0]) }), items, order, chart });
  if (value && text) {
    const sum = { column: value.name, part: "", aggregate: "sum" };
    add([{ column: text.name, part: "", aggregate: "" }, sum], "bars", { name: resultName(sum), descending: true });
  }
  if (value && time) {
    const month = { column: time.name, part: "month", aggregate: "" };
    add([month, { column: value.name, part: "", aggregate: "sum" }], "line", { name: resultName(month), descending: false });
  }
  const count = { column: "", part: "", aggregate: "count" };
  if (text) add([{ column: text.name, part: "", aggregate: "" }, count], "bars", { name: "count", descending: true });
  if (time && !value) {
    const day = { column: time.name, part: "date", aggregate: "" };
    add([day, count], "line", { name: resultName(day), descending: false });
  }
  return made;
}

// ---- what the server is asked

// A value of a filter: text that is none for its column is the server's to refuse.
function filterOf(f, columns) {
  const column = columns.find((c) => c.name === f.column);
  const plain = (text) => (isNumber(column.type) && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? Number(text) : column.type === "boolean" ? text === "true" : text);
  if (f.test === "is_null" || f.test === "is_not_null") return { column: f.column, test: f.test };
  return { column: f.column, test: f.test, value: f.test === "in" ? f.value.split(",").map((v) => plain(v.trim())) : plain(f.value) };
}

function bodyOf({ items, filters, order, limit }, columns) {
  const asked = items.map((i) => (i.part || i.aggregate ? Object.fromEntries(Object.entries(i).filter(([, v]) => v)) : i.column));
  const complete = filters.filter((f) => f.value !== "" || f.test === "is_null" || f.test === "is_not_null").map((f) => filterOf(f, columns));
  return {
    ...(asked.length && { columns: asked }),
    ...(complete.length && { filters: complete }),
    ...(order?.name && { order_by: [order.descending ? { column: order.name, descending: true } : order.name] }),
    limit,
  };
}

// ---- the controls

const Select = ({ label, value, options, change, ...rest }) => (
  <select aria-label={label} value={value} onChange={(e) => change(e.currentTarget.value)} {...rest}>
    {options.map(([v, text]) => <option value={v}>{text}</option>)}
  </select>
);

const replaced = (list, at, more) => list.map((item, i) => (i === at ? { ...item, ...more } : item));
const without = (list, at) => list.filter((_, i) => i !== at);

function Items({ items, columns, change }) {
  const names = columns.map((c) => [c.name, shown(c.name)]);
  const typeOf = (name) => columns.find((c) => c.name === name)?.type ?? "";
  const aggregates = (type) => AGGREGATES.filter((a) => !["sum", "avg"].includes(a) || isNumber(type)).filter((a) => !["min", "max"].includes(a) || type !== "json");
  return (
    <fieldset>
      <legend>{t("q_show")}</legend>
      {items.length === 0 && <p class="soft">{t("q_all_columns")}</p>}
      {items.map((i, at) => (
        <div class="control" key={at}>
          <Select label={t("q_column")} value={i.column} options={[...(i.aggregate === "count" || !i.column ? [["", t("q_rows")]] : []), ...names]} change={(column) => change(replaced(items, at, { column, part: "" }))} />
          {isTime(typeOf(i.column)) && (
            <Select label={t("q_part")} value={i.part} options={PARTS.map((p) => [p, p ? t(`q_part_${p}`) : t("q_part_whole")])} change={(part) => change(replaced(items, at, { part }))} />
          )}
          <Select label={t("q_aggregate")} value={i.aggregate} options={(i.column ? aggregates(typeOf(i.column)) : ["count"]).map((a) => [a, a ? t(`q_agg_${a}`) : t("q_agg_none")])} change={(aggregate) => change(replaced(items, at, { aggregate }))} />
          <IconButton icon="close" label={t("q_remove")} onClick={() => change(without(items, at))} />
        </div>
      ))}
      <button type="button" class="quiet small" onClick={() => change([...items, { column: columns[0].name, part: "", aggregate: "" }])}>{t("q_add_column")}</button>
      <button type="button" class="quiet small" onClick={() => change([...items, { column: "", part: "", aggregate: "count" }])}>{t("q_add_count")}</button>
    </fieldset>
  );
}

function testsOf(type) {
  if (type === "json") return ["contains", "is_null", "is_not_null"];
  if (type === "boolean") return ["eq", "is_null", "is_not_null"];
  return ["eq", "ne", ...(type === "string" ? ["contains"] : []), "gt", "ge", "lt", "le", "in", "is_null", "is_not_null"];
}

function Filters({ filters, columns, change }) {
  const typeOf = (name) => columns.find((c) => c.name === name)?.type ?? "";
  const made = (column) => ({ column, test: testsOf(typeOf(column))[0], value: typeOf(column) === "boolean" ? "true" : "" });
  return (
    <fieldset>
      <legend>{t("q_filters")}</legend>
      {filters.map((f, at) => (
        <div class="control" key={at}>
          <Select label={t("q_column")} value={f.column} options={columns.map((c) => [c.name, shown(c.name)])} change={(column) => change(replaced(filters, at, made(column)))} />
          <Select label={t("q_test")} value={f.test} options={testsOf(typeOf(f.column)).map((test) => [test, t(`q_test_${test}`)])} change={(test) => change(replaced(filters, at, { test }))} />
          {f.test !== "is_null" && f.test !== "is_not_null" && (typeOf(f.column) === "boolean"
            ? <Select label={t("q_value")} value={f.value} options={[["true", t("q_true")], ["false", t("q_false")]]} change={(value) => change(replaced(filters, at, { value }))} />
            : <input aria-label={t("q_value")} type={typeOf(f.column) === "date" && f.test !== "in" ? "date" : "text"} value={f.value} placeholder={f.test === "in" ? "a, b, c" : ""} onInput={(e) => change(replaced(filters, at, { value: e.currentTarget.value }))} />)}
          <IconButton icon="close" label={t("q_remove")} onClick={() => change(without(filters, at))} />
        </div>
      ))}
      <button type="button" class="quiet small" onClick={() => change([...filters, made(columns[0].name)])}>{t("q_add_filter")}</button>
    </fieldset>
  );
}

function Order({ query, columns, change }) {
  const isGrouped = query.items.some((i) => i.aggregate);
  const options = query.items.length ? query.items.map((i) => [resultName(i), titleOf(i)]) : columns.map((c) => [c.name, shown(c.name)]);
  const known = isGrouped || query.items.length === 0 ? options : [...options, ...columns.filter((c) => !options.some(([n]) => n === c.name)).map((c) => [c.name, shown(c.name)])];
  return (
    <fieldset>
      <legend>{t("q_order")}</legend>
      <div class="control">
        <Select label={t("q_order")} value={query.order?.name ?? ""} options={[["", t("q_order_none")], ...known]} change={(name) => change({ order: name ? { name, descending: query.order?.descending ?? false } : null })} />
        {query.order && <Select label={t("q_direction")} value={query.order.descending ? "desc" : "asc"} options={[["asc", t("q_ascending")], ["desc", t("q_descending")]]} change={(d) => change({ order: { ...query.order, descending: d === "desc" } })} />}
        <Select label={t("q_limit")} value={String(query.limit)} options={PAGES.map((n) => [String(n), t("q_per_page", { n })])} change={(n) => change({ limit: Number(n) })} />
      </div>
    </fieldset>
  );
}

// ---- the result

function Result({ result, titles }) {
  return (
    <div class="card scroll" tabindex="0" role="region" aria-label={t("q_result")}>
      <table class="list rows">
        <thead><tr>{result.columns.map((c, at) => <th scope="col" class={isNumber(c.type) ? "number" : ""}><bdi>{titles[at] ?? shown(c.name)}</bdi></th>)}</tr></thead>
        <tbody>
          {result.rows.map((row) => (
            <tr>{row.map((cell, at) => <td class={isNumber(result.columns[at].type) ? "number" : ""}>{cell === null ? <span class="soft">–</span> : <bdi>{shown(cell)}</bdi>}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// What of a result can be drawn: its first column that is no number, or the first (a single one: the numbers of the rows), by up to four columns of numbers.
function drawn(result, titles) {
  if (!result?.rows.length) return null;
  const kinds = result.columns.map((c) => isNumber(c.type));
  const x = kinds.length === 1 && kinds[0] ? -1 : Math.max(0, kinds.indexOf(false));
  const ys = result.columns.map((_, at) => at).filter((at) => kinds[at] && at !== x).slice(0, 4);
  if (!ys.length) return null;
  const rows = result.rows.slice(0, CHART_POINTS);
  return {
    name: x < 0 ? t("q_row") : titles[x] ?? shown(result.columns[x].name),
    labels: rows.map((r, at) => (x < 0 ? number(at + 1) : r[x] === null ? "–" : shown(r[x]))),
    series: ys.map((at) => ({ title: titles[at] ?? shown(result.columns[at].name), values: rows.map((r) => (r[at] === null ? null : Number(r[at]))) })),
  };
}

function Request({ slug, body }) {
  const note = useNotes();
  const text = JSON.stringify(body, null, 1).replace(/\n\s*/g, " ");
  const curl = `curl -sS -H "Authorization: Bearer $CAIS_TOKEN" '${location.origin}/v1/native/datasets/${slug}/query' -d '${text.replaceAll("'", "'\\''")}'`;
  const copy = (what) => navigator.clipboard.writeText(what).then(() => note(t("q_copied")), () => note(t("q_not_copied")));
  return (
    <details class="request">
      <summary>{t("q_request")}</summary>
      <p class="soft">{t("q_request_text")}</p>
      <pre tabindex="0">{JSON.stringify(body, null, 2)}</pre>
      <pre tabindex="0">{curl}</pre>
      <div class="buttons"><button type="button" class="quiet" onClick={() => copy(curl)}><Icon name="copy" />{t("q_copy")}</button></div>
    </details>
  );
}

// The whole result as a file. Its bytes stay with the browser, which keeps large ones on the disk.
async function save(slug, body, format) {
  const reply = await fetch(`/v1/native/datasets/${slug}/query`, { method: "POST", headers: { "X-CSRF-Token": session.csrf, "Content-Type": "application/json" }, body: JSON.stringify({ ...body, format }) });
  if (!reply.ok) {
    const { error } = await reply.json().catch(() => ({}));
    throw new ApiError(reply.status, error?.code ?? "", error?.message ?? reply.statusText);
  }
  const address = URL.createObjectURL(await reply.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = `${slug}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export function Query({ schema, changed }) {
  const { columns, slug } = schema;
  const ideas = useMemo(() => suggestions(columns), [columns]);
  const [query, setQuery] = useState({ items: [], filters: [], order: null, limit: 100 });
  const [chart, setChart] = useState("");
  const [pages, setPages] = useState([""]); // the cursors of the pages up to this one
  const [reply, setReply] = useState({ result: null, error: null, busy: true, titles: [] });
  const [saving, setSaving] = useState("");
  const [isOpen, setIsOpen] = useState(false);
  const last = useRef(null);
  const note = useNotes();
  const body = bodyOf(query, columns);
  const key = JSON.stringify(body);
  const titles = query.items.map(titleOf);
  const change = (more) => {
    setPages([""]);
    setQuery((q) => {
      const next = { ...q, ...more };
      const names = next.items.map(resultName);
      if (next.order && next.items.length && !names.includes(next.order.name) && (next.items.some((i) => i.aggregate) || !columns.some((c) => c.name === next.order.name))) next.order = null;
      return next;
    });
  };
  useEffect(() => {
    const stop = new AbortController();
    last.current = stop;
    const timer = setTimeout(async () => {
      setReply((r) => ({ ...r, busy: true }));
      try {
        const after = pages.at(-1);
        const result = await ask("POST", `/v1/native/datasets/${slug}/query`, { body: { ...body, format: "text", ...(after && { after }) }, signal: stop.signal });
        setReply({ result, error: null, busy: false, titles });
      } catch (error) {
        if (error.name !== "AbortError") setReply((r) => ({ ...r, error, busy: false }));
      }
    }, reply.result ? WAIT_MS : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, pages, changed]);
  const idea = ideas.find((i) => JSON.stringify(i.items) === JSON.stringify(query.items) && !query.filters.length);
  const choose = (i) => {
    setChart(i.chart);
    change({ items: i.items, order: i.order, filters: [] });
  };
  const download = async (format) => {
    const { limit, ...whole } = body;
    setSaving(format);
    await save(slug, whole, format).catch((error) => note(error.code === "rate_limited" ? t("error_rate_limited") : t("error_invalid", { message: error.message })));
    setSaving("");
  };
  const { result, error } = reply;
  const first = (pages.length - 1) * query.limit;
  const plot = useMemo(() => drawn(result, reply.titles), [result]);
  return (
    <div class="query">
      <div class="ideas" role="group" aria-label={t("q_ideas")}>
        {ideas.map((i) => <button type="button" class="chip" key={i.name} aria-pressed={i === idea} onClick={() => choose(i)}><Icon name={i.chart ? "data" : "imports"} />{i.title}</button>)}
        <button type="button" class="chip" aria-expanded={isOpen} aria-controls="q-controls" onClick={() => setIsOpen(!isOpen)}><Icon name="edit" />{t("q_own")}</button>
      </div>
      <div id="q-controls" class="controls card" hidden={!isOpen}>
        <Items items={query.items} columns={columns} change={(items) => change({ items })} />
        <Filters filters={query.filters} columns={columns} change={(filters) => change({ filters })} />
        <Order query={query} columns={columns} change={change} />
      </div>
      <div class="bar">
        <p role="status" aria-live="polite">{reply.busy && !result ? t("loading") : result && !error ? t("q_shown", { n: result.rows.length }) : ""}</p>
        <span class="spacer" />
        <div class="segments" role="group" aria-label={t("q_view")}>
          {["", "bars", "line"].map((kind) => <button type="button" aria-pressed={chart === kind} disabled={kind !== "" && !plot} onClick={() => setChart(kind)}>{t(`q_view_${kind || "table"}`)}</button>)}
        </div>
        {["csv", "jsonl"].map((format) => <button type="button" class="quiet" disabled={saving !== ""} onClick={() => download(format)}><Icon name="download" />{format.toUpperCase()}</button>)}
      </div>
      {error && <Problem error={error} />}
      {chart && plot && <Chart kind={chart} {...plot} />}
      {result && (result.rows.length ? <Result result={result} titles={reply.titles} /> : <Empty icon="data" title={t("q_empty")} text={t("q_empty_text")} />)}
      {result && (pages.length > 1 || result.next) && (
        <nav class="paging" aria-label={t("q_pages")}>
          <button type="button" class="quiet" disabled={pages.length === 1} onClick={() => setPages(pages.slice(0, -1))}>{t("q_previous")}</button>
          <span>{t("q_from_to", { from: first + 1, to: first + result.rows.length })}</span>
          <button type="button" class="quiet" disabled={!result.next} onClick={() => setPages([...pages, result.next])}>{t("q_next")}</button>
        </nav>
      )}
      <Request slug={slug} body={body} />
    </div>
  );
}
