// SPDX-License-Identifier: Apache-2.0
// Deleting can be undone for ten seconds: the page holds the request back for so long, and sends it when the page closes.
import { ask } from "./api.js";

export const UNDO_SECONDS = 10;
const pending = new Map(); // by path: { timer, failed }

const send = (path, keepalive) => ask("DELETE", path, { keepalive });

// done: is called when it is removed.
export function removeLater(path, failed, done) {
  const timer = setTimeout(() => {
    pending.delete(path);
    send(path).catch((error) => error.status === 404 || failed(error)).then(() => done?.());
  }, UNDO_SECONDS * 1000);
  pending.set(path, timer);
}

// False: it is too late.
export function undoRemoval(path) {
  clearTimeout(pending.get(path));
  return pending.delete(path);
}

addEventListener("pagehide", () => {
  for (const [path, timer] of pending) {
    clearTimeout(timer);
    send(path, true).catch(() => {});
  }
  pending.clear();
});
