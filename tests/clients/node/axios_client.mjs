// SPDX-License-Identifier: Apache-2.0
// axios and form-data send files with links and forms that a server has signed, as web applications do.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import { Readable } from "node:stream";
import axios from "axios";
import FormData from "form-data";
import { check, runAll, server } from "./checks.mjs";

const data = crypto.randomBytes(300000);
const path = `${process.env.HOME}/axios two words é.bin`;
fs.writeFileSync(path, data);
const any = { maxRedirects: 0, validateStatus: null, proxy: false };
const stored = async () => Buffer.from((await axios.get(server.get, { ...any, responseType: "arraybuffer" })).data);

check("a buffer is put through a link", async () => {
  assert.equal((await axios.put(server.put, data, any)).status, 200);
  assert.deepEqual(await stored(), data);
});

check("a chunked stream without a length is put through a link", async () => {
  const other = crypto.randomBytes(200000);
  const answer = await axios.put(server.put, Readable.from([other.subarray(0, 70000), other.subarray(70000)]),
                                 { ...any, headers: { "Content-Type": "application/pdf" } });
  assert.equal(answer.status, 200);
  assert.ok(answer.headers.etag);
  assert.deepEqual(await stored(), other);
});

for (const version of ["v4", "v2"]) {
  check(`a form stores a file of the permitted length, ${version}`, async () => {
    const { url, fields } = server.forms[version];
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", fs.createReadStream(path));
    const length = await new Promise((done, failed) => form.getLength((e, n) => (e ? failed(e) : done(n))));
    const answer = await axios.post(url, form, { ...any, headers: { ...form.getHeaders(), "Content-Length": length } });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [201, "application/xml"]);
  });

  check(`a form with a file that is too long is refused, ${version}`, async () => {
    const { url, fields } = server.forms[version];
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", Buffer.alloc(300001), { filename: "a" });
    const answer = await axios.post(url, form.getBuffer(), { ...any, headers: form.getHeaders() });
    assert.equal(answer.status, 400);
    assert.match(answer.data, /<Code>EntityTooLarge<\/Code>/);
  });
}

check("a link with a wrong signature is refused", async () => {
  const answer = await axios.put(server.put.replace(/Signature=../, "Signature=00"), data, any);
  assert.equal(answer.status, 403);
  assert.match(answer.data, /<Code>SignatureDoesNotMatch<\/Code>/);
});

await runAll();
