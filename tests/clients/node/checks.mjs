// SPDX-License-Identifier: Apache-2.0
// Shared by the programs of checks. Each check has a name, runs alone, and is reported in one line of JSON.
// tests/support/checks.py makes a test of each check.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import dns from "node:dns";

export const { server } = JSON.parse(process.env.CAIS_CHECKS);
const checks = [];

export function check(name, run) {
  checks.push({ name, run });
}

export async function runAll() {
  for (const { name, run } of checks) {
    let error = null;
    try {
      await run();
    } catch (e) {
      error = [e.stack, e.code, JSON.stringify(e.$metadata), e.response?.data].filter(Boolean).join("\n");
    }
    console.log(JSON.stringify({ name, error }));
  }
  process.stdout.write("", () => process.exit(0)); // otherwise open connections keep the process alive
}

let made = 0;
export const newBucketName = (who) => `${who}-${++made}`;
export const md5 = (data) => crypto.createHash("md5").update(data).digest("hex");

export async function bytes(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

// Expects that the promise fails with this code (null: S3 sends none) and, if given, with this status.
export async function refused(promise, code, status) {
  try {
    await promise;
  } catch (e) {
    if (code !== null) assert.equal(e.name === "S3Error" ? e.code : e.name, code, e.stack);
    if (status !== undefined) assert.equal(e.$metadata?.httpStatusCode, status);
    return e;
  }
  assert.fail(`expected ${code}, but the call succeeded`);
}

// Runs `run` while the clock of this program is `minutes` ahead.
export async function withClock(minutes, run) {
  const Real = globalThis.Date;
  globalThis.Date = class extends Real {
    constructor(...parts) {
      super(...(parts.length ? parts : [Real.now() + minutes * 60000]));
    }
    static now() {
      return Real.now() + minutes * 60000;
    }
  };
  try {
    await run();
  } finally {
    globalThis.Date = Real;
  }
}

// Resolves every host name to 127.0.0.1 from now on.
export function resolveEverythingHere() {
  dns.lookup = (host, options, done) => {
    const callback = done ?? options;
    if (options?.all) callback(null, [{ address: "127.0.0.1", family: 4 }]);
    else callback(null, "127.0.0.1", 4);
  };
}
