// SPDX-License-Identifier: Apache-2.0
// Sends a large body that the server refuses before it has come, and prints {status, text}, or {error} of what it got in place of the
// reply. SETTINGS: {writer, url, method, headers, megabytes, busyAt, busyMs}. After the piece busyAt the program is busy for busyMs and
// neither reads nor writes, as one that computes a digest.
import http from "node:http";
import { Readable } from "node:stream";
import axios from "axios";

const s = JSON.parse(process.argv[2]);
const PIECE = Buffer.alloc(65536, "x");
const pieces = s.megabytes * 16;
const say = (what) => console.log(JSON.stringify(what));

function* body() {
  for (let i = 0; i < pieces; i++) {
    yield PIECE;
    if (i === s.busyAt) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, s.busyMs);
  }
}

const length = { "Content-Length": String(pieces * PIECE.length) };
const writers = {
  "fetch, a stream": () => fetch(s.url, { method: s.method, headers: s.headers, body: ReadableStream.from(body()), duplex: "half" }),
  "fetch, a stream with its length": () => fetch(s.url, { method: s.method, headers: { ...s.headers, ...length },
                                                          body: ReadableStream.from(body()), duplex: "half" }),
  "fetch, a buffer": () => fetch(s.url, { method: s.method, headers: s.headers, body: Buffer.alloc(pieces * PIECE.length, "x") }),
  "fetch, a form": () => {
    const form = new FormData();
    form.append("file", new Blob([Buffer.alloc(pieces * PIECE.length, "x")]), "a.bin");
    const { "Content-Type": _, ...headers } = s.headers;
    return fetch(s.url, { method: s.method, headers, body: form });
  },
  "axios, a stream": async () => {
    const answer = await axios({ url: s.url, method: s.method, headers: s.headers, data: Readable.from(body()), proxy: false, maxRedirects: 0,
                                 validateStatus: null, transformResponse: (text) => text });
    return { status: answer.status, text: async () => answer.data };
  },
  "http, a stream": () => new Promise((done, failed) => {
    const request = http.request(s.url, { method: s.method, headers: s.headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part)).on("error", failed);
      answer.on("end", () => done({ status: answer.statusCode, text: async () => Buffer.concat(parts).toString() }));
    });
    request.on("error", failed);
    Readable.from(body()).pipe(request);
  }),
};

try {
  const answer = await writers[s.writer]();
  say({ status: answer.status, text: await answer.text() });
} catch (e) {
  say({ error: [String(e), String(e.cause ?? "")].join(" ") });
}
process.exit(0);
