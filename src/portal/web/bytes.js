// SPDX-License-Identifier: Apache-2.0
// The bytes of a stored file, for a preview: from the host that the operator gave to stored files (docs/apis/portal.md, "Previews"), by a
// link for this one file, without cookies; from this host when there is none, or when the browser cannot reach it.
import { ask } from "./api.js";

const HOST_PATIENCE_MS = 8000; // until it has begun to answer

const fileHost = document.querySelector('meta[name="cais-files"]')?.content ?? "";
let isReachable = true; // what it turned out to be, for as long as the page is open

export const noteUnreachable = () => (isReachable = false);

// A link to the bytes on the host of files; null: there is none.
export async function fileLink(address, signal) {
  if (!fileHost || !isReachable) return null;
  try {
    const { url } = await ask("POST", `${address}/link`, { signal });
    return new URL(url).origin === fileHost ? url : null; // else the configuration has changed, and the policy of this page forbids it
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

// Calls `late` if nothing has come in time. Returns what cancels that.
export function patience(late) {
  const timer = setTimeout(late, HOST_PATIENCE_MS);
  return () => clearTimeout(timer);
}

async function fromFileHost(address, headers, signal) {
  const link = await fileLink(address, signal);
  if (!link) return null;
  const waiting = new AbortController();
  const abort = () => waiting.abort();
  signal.addEventListener("abort", abort);
  const arrived = patience(abort);
  try {
    const reply = await fetch(link, { headers, signal: waiting.signal, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" });
    arrived();
    return reply.ok ? await reply.arrayBuffer() : null;
  } catch {
    signal.throwIfAborted();
    noteUnreachable();
    return null;
  } finally {
    arrived();
    signal.removeEventListener("abort", abort);
  }
}

// Of the file at this address of the native API; range: of its header Range, or nothing. null: it cannot be had.
export async function readBytes(address, { range, signal }) {
  const headers = range ? { Range: range } : {};
  const there = await fromFileHost(address, headers, signal);
  if (there) return there;
  const reply = await fetch(address, { headers, signal });
  return reply.ok ? reply.arrayBuffer() : null;
}
