// SPDX-License-Identifier: Apache-2.0
// Requests to the native API with the session of the browser.
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

// authorization: of somebody who has no session but a link (drop.jsx); empty: the session counts, with its csrf.
export const session = { login: meta("cais-login"), admin: meta("cais-admin") === "yes", csrf: meta("csrf"), hasPassword: meta("cais-password") !== "none", authorization: "" };

// The header by which a request that changes something shows that it may.
export const proof = () => (session.authorization ? ["Authorization", session.authorization] : ["X-CSRF-Token", session.csrf]);

const listeners = new Set();
let ended = false;

// Is called with true when the session has ended, and with false when there is one again.
export function onSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const sessionHasEnded = () => ended;

export function noteSession(isOver) {
  if (ended === isOver) return;
  ended = isOver;
  for (const listener of listeners) listener(isOver);
}

// Is somebody signed in again, perhaps in another window? Only the same person goes on.
export async function renewSession() {
  const reply = await fetch("/portal/session", { headers: { Accept: "application/json" } });
  if (!reply.ok) return false;
  const now = await reply.json();
  if (now.login !== session.login) {
    location.reload();
    return false;
  }
  Object.assign(session, now);
  noteSession(false);
  return true;
}

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function errorOf(reply) {
  let error = {};
  try {
    error = (await reply.json()).error ?? {};
  } catch { /* not of the API: a proxy */ }
  return new ApiError(reply.status, error.code ?? "", error.message ?? reply.statusText);
}

export async function ask(method, path, { body, signal, keepalive, type } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET" || session.authorization) headers[proof()[0]] = proof()[1];
  if (body !== undefined) headers["Content-Type"] = type ?? "application/json";
  let reply;
  try {
    reply = await fetch(path, {
      method, headers, signal, keepalive,
      body: body === undefined ? undefined : type ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "offline", "");
  }
  if (reply.status === 401) noteSession(true);
  if (!reply.ok) throw await errorOf(reply);
  return reply.status === 204 ? null : reply.json();
}

export const get = (path, options) => ask("GET", path, options);
