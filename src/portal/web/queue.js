// SPDX-License-Identifier: Apache-2.0
// The queue of uploads. It knows no page; pages subscribe to it.
//
//   waiting ──► sending ──┬──► done
//      ▲          │ ▲     ├──► failed ──(retry)──► waiting
//      │          │ │     ├──► taken ──(retry)──► waiting: the folder has a file of that name, which stays as it is
//      │(resume)  ▼ │     └──► changed: the file on the disk is not the one that was begun
//      └──────── paused      sending ──► retrying ──► sending: no connection, or a restart of the server
//
// Progress counts bytes that the server has acknowledged: they are on its disk. A small file is one request. A larger one is sent
// by tus in pieces, over lost connections and restarts; where it was is remembered (localStorage), so the same file, dropped again
// after the browser was closed, goes on where it was.
//
// What is dropped together is a batch. It goes to one's own files, or to a folder of a space: then the folders that it has are made as
// they are needed, each once, and each file is put into its own in the same step that stores it.
import * as tus from "tus-js-client";
import { ApiError, ask, get, onSession, proof, session, sessionHasEnded, noteSession } from "./api.js";

const AT_ONCE = 6; // requests; as many connections as browsers open to a host
const SMALL = 1 << 20;
const PIECE = 8 << 20;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
const SPEED_MS = 8000;
const MANY = 500; // items, from which on pages draw half as often
const ENDPOINT = "/v1/native/uploads";

export const ACTIVE = ["waiting", "sending", "retrying", "paused"];
const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);
const parentOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
const fingerprint = (item) => `cais-${session.login}-${item.batch.folder ? `/${item.batch.folder}/` : ""}${item.path}-${item.size}-${item.file.lastModified}`;

// Where what is dropped or chosen goes: null is one's own files; { folder, name } a folder of a space; { isClosed } nowhere.
let destination = null;
export const setDestination = (to) => void (destination = to);
export const currentDestination = () => destination;

// made: the folders of the batch, by path, as promises of their ids.
const newBatch = () => ({ folder: destination?.folder ?? null, made: new Map() });

// The id of the folder with that path in the folder of the batch.
function folderOf(batch, path) {
  if (!path) return Promise.resolve(batch.folder);
  if (!batch.made.has(path)) {
    const made = folderOf(batch, parentOf(path)).then((parent) => ask("POST", `/v1/native/folders/${parent}/folders`, { body: { name: nameOf(path) } })).then((f) => f.id);
    made.catch(() => batch.made.delete(path)); // whoever needs it next tries again
    batch.made.set(path, made);
  }
  return batch.made.get(path);
}

const STOPPED = Symbol("stopped");

// Sends one file by tus in pieces, from where an upload with this fingerprint was. acknowledged(bytes): are on the server's disk. begun(resumed):
// false: it is over already. Returns { ended, stop }: ended is a promise of the address of the file ("": not known), of STOPPED after stop(forget),
// or of an ApiError.
function tusUpload(file, { endpoint, name, fingerprint, begun, sent, acknowledged }) {
  let stop;
  const ended = new Promise((resolve, reject) => {
    const upload = new tus.Upload(file, {
      endpoint,
      chunkSize: PIECE,
      retryDelays: null, // the caller tries again
      metadata: { filename: name, filetype: file.type || "application/octet-stream" },
      fingerprint: async () => fingerprint,
      removeFingerprintOnSuccess: true,
      uploadDataDuringCreation: Boolean(session.authorization), // by a link small files come this way, too: one request for each
      onBeforeRequest: (request) => request.setHeader(...proof()),
      onProgress: sent,
      onChunkComplete: (_, accepted) => acknowledged(accepted),
      onError: async (error) => {
        const told = errorOfTus(error);
        reject(told.status === 0 && !(await isReadable(file)) ? new ApiError(-1, "changed", "") : told);
      },
      onSuccess: ({ lastResponse }) => resolve(lastResponse?.getHeader("Content-Location") ?? ""),
    });
    stop = (forget) => {
      upload.abort(forget).catch(() => {});
      resolve(STOPPED);
    };
    upload.findPreviousUploads().then((previous) => {
      if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
      if (begun(previous.length > 0)) upload.start();
    }, reject);
  });
  return { ended, stop };
}

const passes = (error) => [0, 423, 429, 502, 503, 504].includes(error.status) || error.code === "no_space";
const retryDelay = (tries) => RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];

// Sends one file over lost connections, restarts of the server and sessions that ended, outside of the queue. retrying(error): it is tried again
// soon; acknowledged(bytes). Returns the id of the file, or throws an ApiError.
export async function sendAlone(file, { query, name, fingerprint, acknowledged, retrying }) {
  for (let tries = 0; ;) {
    try {
      const { ended } = tusUpload(file, {
        endpoint: `${ENDPOINT}?${query}`, name, fingerprint, begun: () => true, sent: () => {},
        acknowledged: (bytes) => {
          tries = 0;
          acknowledged(bytes);
        },
      });
      return (await ended).split("/").pop();
    } catch (error) {
      if (error.status === 401) await new Promise((resolve) => {
        const stop = onSession((isOver) => isOver || (stop(), resolve()));
      });
      else if (!passes(error)) throw error;
      else {
        retrying(error);
        await new Promise((resolve) => setTimeout(resolve, retryDelay(tries++)));
      }
    }
  }
}

class Queue {
  items = [];
  waiting = []; // items to begin, a stack turned round: the last one is next
  running = new Set();
  known = new Map(); // what is in the queue, by path, size and time
  totals = { count: 0, bytes: 0, acked: 0, done: 0, failed: 0, taken: 0 }; // bytes: without those of what is taken
  speeds = []; // [time, acked] of the last seconds
  skipped = 0;
  listeners = new Set();
  finished = new Set(); // listeners to files that have come
  #timer = 0;
  #id = 0;

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onFile(listener) {
    this.finished.add(listener);
    return () => this.finished.delete(listener);
  }

  // Pages draw at most four times a second, however many files there are.
  changed() {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      const now = performance.now();
      this.speeds.push([now, this.totals.acked]);
      while (this.speeds.length > 2 && now - this.speeds[0][0] > SPEED_MS) this.speeds.shift();
      for (const listener of this.listeners) listener();
    }, this.totals.count > MANY ? 500 : 250);
  }

  // Bytes a second that were acknowledged in the last seconds; 0: not known.
  speed() {
    const [first, last] = [this.speeds[0], this.speeds.at(-1)];
    return first && last[0] > first[0] ? Math.max(0, (last[1] - first[1]) / (last[0] - first[0])) * 1000 : 0;
  }

  get isActive() {
    return this.running.size > 0 || this.waiting.length > 0;
  }

  // file: a File; null: a folder without files, which is made. path: with its folders, as it was dropped.
  add(batch, file, path = file.webkitRelativePath || file.name) {
    const size = file?.size ?? 0; // the browser asks the disk for it each time
    const key = `${batch.folder ?? ""}\n${path}\n${file ? size : ""}\n${file?.lastModified}`;
    if (this.known.has(key)) {
      this.skipped++;
      this.changed();
      return;
    }
    const item = { id: ++this.#id, key, batch, file, isFolder: !file, path, name: nameOf(path), size, acked: 0, sent: 0, state: "waiting", error: null, tries: 0, run: 0 };
    this.known.set(key, item);
    this.items.push(item);
    this.waiting.unshift(item);
    this.totals.count++;
    this.totals.bytes += item.size;
    this.#next();
    this.changed();
  }

  #next() {
    while (!sessionHasEnded() && this.running.size < AT_ONCE && this.waiting.length) {
      const item = this.waiting.pop();
      this.running.add(item);
      item.state = "sending";
      const run = ++item.run;
      const isOver = () => item.run !== run || !this.running.has(item); // it was paused, and perhaps begun again
      const send = item.isFolder ? this.#makeFolder(item, isOver) : item.size <= SMALL && !session.authorization ? this.#sendSmall(item, isOver) : this.#sendLarge(item, isOver);
      send.catch((error) => isOver() || this.#failed(item, error));
    }
  }

  #acknowledge(item, bytes) {
    this.totals.acked += bytes - item.acked;
    item.acked = bytes;
    this.changed();
  }

  #ended(item, state) {
    this.running.delete(item);
    item.state = state;
    item.stop = null;
    this.#next();
    this.changed();
  }

  #done(item, file) {
    this.#acknowledge(item, item.size);
    this.totals.done++;
    item.file = null; // its memory is not needed any more
    this.#ended(item, "done");
    for (const listener of this.finished) listener(file);
  }

  // An error of the item: what passes is tried again, a session that has ended waits for the next one.
  #failed(item, error) {
    if (error.status === 401) {
      this.#ended(item, "waiting");
      this.waiting.push(item);
      return;
    }
    if (passes(error)) {
      item.state = "retrying";
      item.error = error;
      item.retry = setTimeout(() => {
        this.#ended(item, "waiting");
        this.waiting.push(item);
        this.#next();
      }, retryDelay(item.tries++));
      this.changed();
      return;
    }
    if (error.code === "name_taken") {
      this.totals.taken++;
      this.totals.bytes -= item.size - item.acked;
      this.#ended(item, "taken");
      return;
    }
    if (error.status === 404) item.batch.made.clear(); // a folder was removed meanwhile
    item.error = error;
    this.totals.failed++;
    this.#ended(item, error.code === "changed" ? "changed" : "failed");
  }

  // A reply may be lost after the file was stored, and so may that to a request that was ended by a pause. So before a file is sent once more, the list is asked for it.
  async #wasStored(item, files) {
    const page = await get(`${files}?${new URLSearchParams({ limit: 20, name: item.name })}`);
    const since = item.begun - 2000; // the times of files are whole seconds
    return page.files.find((f) => f.name === item.name && f.size === item.size && Date.parse(f.created_at) + 1000 > since && !this.items.some((i) => i.stored === f.id));
  }

  async #makeFolder(item, isOver) {
    const id = await folderOf(item.batch, item.path);
    if (!isOver()) this.#done(item, { folder: id });
  }

  async #sendSmall(item, isOver) {
    const abort = new AbortController();
    item.stop = () => abort.abort();
    const folder = await folderOf(item.batch, item.batch.folder && parentOf(item.path));
    if (isOver()) return;
    const files = folder ? `/v1/native/folders/${folder}/files` : "/v1/native/files";
    const stored = item.begun ? await this.#wasStored(item, files) : null;
    if (stored) {
      item.stored = stored.id;
      if (!isOver()) this.#done(item, stored);
      return;
    }
    item.begun ??= Date.now();
    // Read here: as the body of a request, each File would be fetched by the browser on its own, which takes longer.
    const body = await item.file.arrayBuffer().catch(() => {
      throw new ApiError(-1, "changed", "");
    });
    const file = await ask("PUT", `${files}/${encodeURIComponent(item.name)}`, { body, type: item.file.type || "application/octet-stream", signal: abort.signal });
    item.stored = file.id;
    if (!isOver()) this.#done(item, file);
  }

  async #sendLarge(item, isOver) {
    const folder = await folderOf(item.batch, item.batch.folder && parentOf(item.path));
    if (isOver()) return;
    // Two windows that send the same file would only disturb each other.
    if (!navigator.locks) return this.#sendByTus(item, isOver, folder);
    return navigator.locks.request(fingerprint(item), { ifAvailable: true }, (lock) => {
      if (!lock) throw new ApiError(-1, "elsewhere", "");
      return this.#sendByTus(item, isOver, folder);
    });
  }

  async #sendByTus(item, isOver, folder) {
    const sending = tusUpload(item.file, {
      endpoint: folder ? `${ENDPOINT}?folder=${folder}` : ENDPOINT,
      name: item.name,
      fingerprint: fingerprint(item),
      begun: (resumed) => {
        item.resumed = resumed;
        return !isOver();
      },
      sent: (bytes) => {
        item.sent = bytes;
        this.changed();
      },
      acknowledged: (bytes) => {
        if (isOver()) return;
        item.tries = 0;
        item.error = null;
        this.#acknowledge(item, bytes);
      },
    });
    item.stop = sending.stop;
    const location = await sending.ended;
    if (location === STOPPED) return;
    const file = location ? await get(`${location}/info`).catch(() => null) : null;
    this.#done(item, file);
  }

  pause(item) {
    if (!["waiting", "sending", "retrying"].includes(item.state)) return;
    const wasRunning = this.running.has(item);
    this.waiting = this.waiting.filter((i) => i !== item);
    clearTimeout(item.retry);
    item.state = "paused";
    item.stop?.(false);
    if (wasRunning) this.#ended(item, "paused");
    this.changed();
  }

  #isWaitingAgain(item) {
    if (item.state === "failed" || item.state === "changed") this.totals.failed--;
    if (item.state !== "taken") return;
    this.totals.taken--;
    this.totals.bytes += item.size - item.acked;
  }

  // Also a retry of what has failed.
  resume(item) {
    if (!["paused", "failed", "changed", "taken"].includes(item.state)) return;
    this.#isWaitingAgain(item);
    item.state = "waiting";
    item.error = null;
    this.waiting.push(item);
    this.#next();
    this.changed();
  }

  // An unfinished upload is removed from the server, too. A small file that has arrived meanwhile stays.
  cancel(item) {
    if (item.state === "done") return;
    this.waiting = this.waiting.filter((i) => i !== item);
    clearTimeout(item.retry);
    this.#isWaitingAgain(item);
    const stop = item.stop;
    item.state = "paused";
    stop?.(true);
    this.running.delete(item);
    this.#remove(item);
    this.#next();
    this.changed();
  }

  #remove(item) {
    this.items = this.items.filter((i) => i !== item);
    this.known.delete(item.key);
    this.totals.count--;
    this.totals.bytes -= item.size;
    this.totals.acked -= item.acked;
    if (item.state === "done") this.totals.done--;
  }

  pauseAll() {
    this.waiting = [];
    for (const item of this.items) this.pause(item);
  }

  resumeAll() {
    for (const item of this.items.filter((i) => i.state === "paused").reverse()) this.resume(item);
  }

  retryAll() {
    for (const item of this.items.filter((i) => i.state === "failed" || i.state === "changed")) this.resume(item);
  }

  // Forget what is done.
  clear() {
    this.items = this.items.filter((i) => i.state !== "done");
    this.known = new Map(this.items.map((i) => [i.key, i]));
    const sum = (of) => this.items.reduce((n, i) => n + of(i), 0);
    this.totals = { count: this.items.length, bytes: sum((i) => (i.state === "taken" ? i.acked : i.size)), acked: sum((i) => i.acked), done: 0, failed: this.totals.failed, taken: this.totals.taken };
    this.speeds = [];
    this.skipped = 0;
    this.changed();
  }

  sessionIsBack() {
    this.#next();
    this.changed();
  }
}

// A browser reads no file that has changed since it was chosen; a request with such a body fails as without a connection.
const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

// The errors of tus as those of the API.
function errorOfTus(error) {
  const response = error.originalResponse;
  if (!response) {
    const cause = String(error.causingError?.name ?? error.name);
    return cause === "NotReadableError" || cause === "NotFoundError" ? new ApiError(-1, "changed", "") : new ApiError(0, "offline", "");
  }
  const status = response.getStatus();
  if (status === 401) noteSession(true);
  let told = {};
  try {
    told = JSON.parse(response.getBody()).error ?? {};
  } catch { /* no body */ }
  return new ApiError(status, told.code ?? "", told.message ?? "");
}

export const queue = new Queue();
onSession((isOver) => isOver || queue.sessionIsBack());
addEventListener("online", () => queue.items.forEach((i) => i.state === "retrying" && (queue.pause(i), queue.resume(i))));
addEventListener("beforeunload", (event) => queue.isActive && event.preventDefault());

// ---- files of a drop

const entriesOf = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

// Adds everything of a drop to the queue, folders with all that is in them. The page stays free meanwhile: each folder is read in
// pieces, and after some files others get their turn.
export async function addDropped(transfer) {
  const entries = [...transfer.items].map((i) => i.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return addFiles(transfer.files);
  const batch = newBatch();
  let count = 0;
  const walk = async (entry, folder) => {
    const path = folder + entry.name;
    if (entry.isFile) {
      queue.add(batch, await fileOf(entry), path);
      if (++count % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
      return;
    }
    const reader = entry.createReader();
    let isEmpty = true;
    for (let some = await entriesOf(reader); some.length; some = await entriesOf(reader)) {
      isEmpty = false;
      for (const one of some) await walk(one, path + "/");
    }
    if (isEmpty && batch.folder) queue.add(batch, null, path);
  };
  for (const entry of entries) await walk(entry, "");
}

export async function addFiles(files) {
  const batch = newBatch();
  let count = 0;
  for (let i = 0; i < files.length; i++) { // each File is made when it is looked at
    queue.add(batch, files[i]);
    if (++count % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
}

// ---- uploads that an earlier visit has begun

export async function unfinished() {
  const { uploads } = await get("/v1/native/uploads?limit=100");
  return uploads.filter((u) => u.state === "open" && !u.part && !u.dataset);
}
