// SPDX-License-Identifier: Apache-2.0
// Files of rows as people have them: CSV, arrays in JSON, and lines of JSON. The server reads the lines, so the others become lines here,
// piece by piece, whatever their size.
import { ask, ApiError } from "./api.js";
import { columnName } from "./column_name.js";

const SAMPLE_BYTES = 192 * 1024; // of the file; what is asked of the server may have 256 KiB
const ASKED_CHARACTERS = 200_000;
const PART_CHARACTERS = 1 << 20; // of lines that are made, before they become a part of a blob
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const COMMA_NUMBER = /^-?\d{1,3}(\.\d{3})*,\d+$|^-?\d+,\d+$/; // 1.234,56
const DELIMITERS = [",", ";", "\t", "|"];

// ---- the records of a file: rows of texts of CSV, or texts of objects

// Rows of CSV (RFC 4180) out of pieces of text.
function csvRows(delimiter) {
  let row = [], field = "", quoted = false, begun = false, afterQuote = false;
  return {
    take(text, isLast) {
      const rows = [];
      const endField = () => {
        row.push(begun || field ? field : null);
        field = "";
        begun = afterQuote = false;
      };
      for (const c of text) {
        if (quoted && !(c === '"')) field += c;
        else if (quoted) { quoted = false; afterQuote = true; }
        else if (c === '"' && afterQuote) { field += c; quoted = true; afterQuote = false; }
        else if (c === '"' && !field) quoted = begun = true;
        else if (c === delimiter) endField();
        else if (c === "\n") {
          endField();
          if (row.length > 1 || row[0] !== null) rows.push(row);
          row = [];
        } else if (c !== "\r") field += c;
      }
      if (isLast && (field || row.length || begun)) {
        endField();
        rows.push(row);
        row = [];
      }
      return rows;
    },
  };
}

// The texts of the objects of an array. What stands between them, and is no object, ends up in a text of its own, which the server refuses by its line.
function arrayObjects() {
  let depth = 0, text = "", inString = false, escaped = false;
  return {
    take(piece, isLast) {
      const objects = [];
      const end = () => {
        const object = text.replace(/[\r\n]+/g, " ").trim();
        if (object) objects.push(object);
        text = "";
      };
      for (const c of piece) {
        if (inString) {
          text += c;
          if (escaped) escaped = false;
          else if (c === "\\") escaped = true;
          else if (c === '"') inString = false;
          continue;
        }
        if (depth <= 1 && (c === "," || (depth === 1 && c === "]") || (depth === 0 && c === "["))) {
          if (c === "[") depth = 1;
          if (c === "]") depth = 0;
          end();
          continue;
        }
        if (c === "{" || c === "[") depth++;
        if (c === "}" || c === "]") depth--;
        if (c === '"') inString = true;
        text += c;
      }
      if (isLast) end();
      return objects;
    },
  };
}

function lineTexts() {
  let rest = "";
  return {
    take(piece, isLast) {
      const lines = (rest + piece).split("\n");
      rest = isLast ? "" : lines.pop();
      return lines.map((l) => l.trim()).filter((l) => l);
    },
  };
}

const readerOf = (form) => (form.kind === "csv" ? csvRows(form.delimiter) : form.kind === "array" ? arrayObjects() : lineTexts());

function open(file) {
  const stream = file.stream();
  return /\.gz$/i.test(file.name) ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
}

// ---- what a file is

async function firstBytes(file) {
  const reader = open(file).getReader(), parts = [];
  let n = 0, isWhole = false;
  while (n < SAMPLE_BYTES && !isWhole) {
    const { done, value } = await reader.read();
    isWhole = done;
    if (value) {
      parts.push(value);
      n += value.length;
    }
  }
  if (!isWhole) reader.cancel().catch(() => {});
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return { bytes: bytes.subarray(0, SAMPLE_BYTES), isWhole: isWhole && bytes.length <= SAMPLE_BYTES };
}

// Old spreadsheets write Windows-1252.
function decode(bytes, isWhole) {
  try {
    return ["utf-8", new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole })];
  } catch {
    return ["windows-1252", new TextDecoder("windows-1252").decode(bytes)];
  }
}

function delimiterOf(line) {
  const outside = line.replace(/"[^"]*"/g, "");
  return DELIMITERS.map((d) => [outside.split(d).length, d]).sort((a, b) => b[0] - a[0])[0][1];
}

function formOf(text, encoding) {
  const begin = text.trimStart();
  if (begin.startsWith("{")) {
    try { // one object over several lines is an array of one
      JSON.parse(begin.split("\n", 1)[0]);
    } catch {
      return { kind: "array", encoding };
    }
    return { kind: "lines", encoding };
  }
  if (begin.startsWith("[")) return { kind: "array", encoding };
  return { kind: "csv", encoding, delimiter: delimiterOf(begin.split("\n", 1)[0]) };
}

const parsed = (text) => {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
};

// A cell of CSV as JSON text.
function cellText(cell, hasCommas) {
  if (hasCommas && COMMA_NUMBER.test(cell)) return cell.replaceAll(".", "").replace(",", ".");
  return NUMBER.test(cell) || cell === "true" || cell === "false" ? cell : JSON.stringify(cell);
}

// What the file is, the columns that it could have, and a sample for the server. Throws an ApiError when it has no rows.
export async function inspect(file) {
  const { bytes, isWhole } = await firstBytes(file);
  const [encoding, text] = decode(bytes, isWhole);
  const form = formOf(text, encoding);
  let records = readerOf(form).take(text, isWhole);
  const taken = new Set();
  let columns, values; // values(record): of each column, as JSON texts
  if (form.kind === "csv") {
    const head = records.shift() ?? [];
    columns = head.map((source, at) => ({ source: at, title: source ?? "", name: columnName(source ?? "", at, taken) }));
    for (const c of columns) {
      const filled = records.map((r) => r[c.source]).filter((v) => v);
      c.hasCommas = form.delimiter !== "," && filled.length > 0 && filled.every((v) => COMMA_NUMBER.test(v) || NUMBER.test(v)) && filled.some((v) => COMMA_NUMBER.test(v));
    }
    values = (r) => columns.map((c) => (r[c.source] ? cellText(r[c.source], c.hasCommas) : "null"));
  } else {
    records = records.map(parsed).filter((r) => r);
    const titles = new Set(records.flatMap((r) => Object.keys(r)));
    columns = [...titles].map((title, at) => ({ source: title, title, name: columnName(title, at, taken) }));
    values = (r) => columns.map((c) => JSON.stringify(r[c.source] ?? null));
  }
  if (!records.length || !columns.length) throw new ApiError(400, "no_rows", "");
  for (const c of columns) c.example = "";
  let sample = "[";
  for (const record of records) {
    const cells = values(record);
    const line = `{${columns.map((c, i) => `${JSON.stringify(c.name)}:${cells[i]}`).join(",")}}`;
    if (sample.length + line.length > ASKED_CHARACTERS) break;
    sample += (sample.length > 1 ? "," : "") + line;
    columns.forEach((c, i) => (c.example ||= cells[i] === "null" ? "" : cells[i].replace(/^"(.*)"$/s, "$1").slice(0, 60)));
  }
  const asked = await ask("POST", "/v1/native/columns", { body: sample + "]", type: "application/json" });
  const types = new Map(asked.columns.map((c) => [c.name, c.type]));
  return { form, columns: columns.map((c) => ({ ...c, type: types.get(c.name) ?? "string" })) };
}

// ---- lines of it

// Numbers keep all of their digits where the browser can do that.
const exact = typeof JSON.rawJSON === "function"
  ? (_, value, context) => (typeof value === "number" && context?.source !== undefined ? JSON.rawJSON(context.source) : value) : undefined;

function lineOf(record, form, columns) {
  if (form.kind === "csv") {
    const members = columns.filter((c) => record[c.source] !== null && record[c.source] !== undefined).map((c) => {
      const cell = record[c.source];
      const text = c.hasCommas && COMMA_NUMBER.test(cell) ? cell.replaceAll(".", "").replace(",", ".") : cell;
      return `${JSON.stringify(c.name)}:${JSON.stringify(text)}`;
    });
    return `{${members.join(",")}}`;
  }
  if (columns.every((c) => c.source === c.name)) return record;
  try {
    const object = JSON.parse(record, exact);
    return JSON.stringify(Object.fromEntries(columns.filter((c) => c.source in object).map((c) => [c.name, object[c.source]])));
  } catch {
    return record; // the server says in which line
  }
}

// The file as the server takes it: { name, blob }. It is the file itself if nothing has to be changed in it.
export async function asLines(file, form, columns) {
  const name = file.name.replace(/^.*[/\\]/, "");
  if (form.kind === "lines" && form.encoding === "utf-8" && columns.every((c) => c.source === c.name))
    return { name: /\.(jsonl|ndjson)(\.gz)?$/i.test(name) ? name : `${name.replace(/\.gz$/i, "")}.jsonl${/\.gz$/i.test(name) ? ".gz" : ""}`, blob: file };
  const reader = open(file).pipeThrough(new TextDecoderStream(form.encoding)).getReader(), records = readerOf(form), blobs = [];
  let lines = "", isFirst = form.kind === "csv";
  for (;;) {
    const { done, value } = await reader.read();
    for (const record of records.take(value ?? "", done)) {
      if (!isFirst) lines += lineOf(record, form, columns) + "\n";
      isFirst = false;
      if (lines.length > PART_CHARACTERS) {
        blobs.push(new Blob([lines]));
        lines = "";
      }
    }
    if (done) break;
  }
  return { name: `${name.replace(/\.gz$/i, "").replace(/\.(csv|tsv|txt|json|jsonl|ndjson)$/i, "")}.jsonl`, blob: new Blob([...blobs, lines]) };
}

// ---- on the server

// Calls onJob with each state of a job, until it has ended.
export function follow(id, onJob) {
  return new Promise((resolve) => {
    const events = new EventSource(`/v1/native/jobs/${id}/events`);
    events.addEventListener("state", (event) => {
      const job = JSON.parse(event.data);
      onJob(job);
      if (job.state === "queued" || job.state === "running") return;
      events.close();
      resolve();
    });
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return; // it connects again by itself
      resolve();
    };
  });
}
