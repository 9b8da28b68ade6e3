// SPDX-License-Identifier: Apache-2.0
// MinIO's client for JavaScript: objects, parts, lists, links, forms.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import { Readable } from "node:stream";
import * as Minio from "minio";
import { bytes, check, md5, newBucketName, refused, runAll, server, withClock } from "./checks.mjs";

const MIB = 1 << 20;
const client = (url, more = {}) => {
  const { hostname, port, protocol } = new URL(url);
  return new Minio.Client({ endPoint: hostname, port: Number(port), useSSL: protocol === "https:", accessKey: server.id,
                            secretKey: server.secret, region: "us-east-1", partSize: 5 * MIB, ...more });
};
const s3 = client(server.url);
const tls = client(server.tls_url);
const once = { retryOptions: { disableRetry: true } };

async function bucket() {
  const name = newBucketName("minio");
  await s3.makeBucket(name);
  return name;
}

async function keys(name, prefix = "", recursive = true) {
  const found = [];
  for await (const o of s3.listObjectsV2(name, prefix, recursive)) found.push(o.name ?? o.prefix);
  return found;
}

check("buckets are created, listed and deleted", async () => {
  const name = await bucket();
  assert.equal(await s3.bucketExists(name), true);
  assert.ok((await s3.listBuckets()).some((b) => b.name === name));
  await s3.putObject(name, "k", "x");
  await refused(s3.removeBucket(name), "BucketNotEmpty");
  await s3.removeObject(name, "k");
  await s3.removeBucket(name);
  assert.equal(await s3.bucketExists(name), false);
});

for (const [way, by] of [["http", s3], ["https", tls]])
  check(`buffers, streams and files are stored over ${way}`, async () => {
    const name = await bucket();
    for (const size of [0, 1, 300000, 12 * MIB]) {
      const data = crypto.randomBytes(size);
      await by.putObject(name, "buffer", data, size, { "Content-Type": "text/x", "X-Amz-Meta-One": "1" });
      assert.equal(md5(await bytes(await by.getObject(name, "buffer"))), md5(data));
      if (!size) continue; // for an empty stream, the client completes an upload without parts
      await by.putObject(name, "stream", Readable.from([data.subarray(0, size / 2), data.subarray(size / 2)]));
      assert.equal(md5(await bytes(await by.getObject(name, "stream"))), md5(data));
    }
    const stat = await by.statObject(name, "buffer");
    assert.equal(stat.size, 12 * MIB);
    assert.equal(stat.metaData["content-type"], "text/x");
    assert.equal(stat.metaData.one, "1");
    const path = `${process.env.HOME}/minio-${way}`;
    fs.writeFileSync(path, crypto.randomBytes(6 * MIB));
    await by.fPutObject(name, "file é+%", path);
    await by.fGetObject(name, "file é+%", path + ".back");
    assert.equal(md5(fs.readFileSync(path + ".back")), md5(fs.readFileSync(path)));
    const part = await bytes(await by.getPartialObject(name, "file é+%", 1000000, 1000));
    assert.deepEqual(part, fs.readFileSync(path).subarray(1000000, 1001000));
  });

check("names are unchanged in folders, copies and deletions", async () => {
  const name = await bucket();
  // The client refuses names with two slashes or with dots.
  for (const key of server.keys) {
    await s3.putObject(name, key, key);
    assert.equal((await bytes(await s3.getObject(name, key))).toString(), key);
    await s3.copyObject(name, "copies/" + key, `/${name}/${key}`);
  }
  const sorted = (list) => [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(await keys(name), sorted([...server.keys, ...server.keys.map((k) => "copies/" + k)]));
  assert.ok((await keys(name, "", false)).includes("copies/"));
  await s3.removeObjects(name, server.keys);
  assert.deepEqual(await keys(name), sorted(server.keys.map((k) => "copies/" + k)));
});

check("tags and open uploads are listed", async () => {
  const name = await bucket();
  await s3.putObject(name, "k", "x");
  await s3.setObjectTagging(name, "k", { "a b": "c+d" });
  assert.deepEqual(await s3.getObjectTagging(name, "k"), [{ Key: "a b", Value: "c+d" }]);
  await s3.removeObjectTagging(name, "k");
  await s3.initiateNewMultipartUpload(name, "begun é", {});
  const found = [];
  for await (const u of s3.listIncompleteUploads(name, "", true)) found.push(u.key);
  assert.deepEqual(found, ["begun é"]);
  await s3.removeIncompleteUpload(name, "begun é");
});

check("links and forms work", async () => {
  const name = await bucket();
  const put = await fetch(await s3.presignedPutObject(name, "a b+é", 60), { method: "PUT", body: "data" });
  assert.equal(put.status, 200);
  const got = await fetch(await tls.presignedGetObject(name, "a b+é", 60, { "response-content-type": "text/x" }));
  assert.deepEqual([await got.text(), got.headers.get("content-type")], ["data", "text/x"]);
  const policy = s3.newPostPolicy();
  policy.setBucket(name);
  policy.setKeyStartsWith("in/");
  policy.setExpires(new Date(Date.now() + 60000));
  policy.setContentLengthRange(1, 4);
  policy.setContentType("text/x");
  const { postURL, formData } = await s3.presignedPostPolicy(policy);
  const send = async (key, data) => {
    const form = new FormData();
    for (const [field, value] of Object.entries({ ...formData, key })) form.append(field, value);
    form.append("file", new Blob([data]), "f");
    return (await fetch(postURL, { method: "POST", body: form })).status;
  };
  assert.deepEqual([await send("in/k", "1234"), await send("in/k", "12345"), await send("out", "1")], [204, 400, 403]);
});

check("requests without permission are refused", async () => {
  const name = await bucket();
  const wrong = client(server.url, { secretKey: "0".repeat(40), ...once });
  await refused(wrong.putObject(name, "k", "x"), "SignatureDoesNotMatch");
  const unknown = client(server.url, { accessKey: "AKIAIOSFODNN7EXAMPLE", ...once });
  await refused(unknown.putObject(name, "k", "x"), "InvalidAccessKeyId");
  await refused(s3.getObject(name, "absent"), "NoSuchKey");
  for (const minutes of [-20, 20])
    await withClock(minutes, () => refused(client(server.url, once).putObject(name, "k", "x"), "RequestTimeTooSkewed"));
  const late = await s3.presignedGetObject(name, "absent", 1, {}, new Date(Date.now() - 5000));
  assert.match(await (await fetch(late)).text(), /<Code>AccessDenied<\/Code>/);
  assert.deepEqual(await keys(name), []);
});

await runAll();
