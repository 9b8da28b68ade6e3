// SPDX-License-Identifier: Apache-2.0
// Calls the AWS SDK for JavaScript as its users do: small and large objects, buffers and streams, links, forms, errors.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { Readable } from "node:stream";
import {
  CompleteMultipartUploadCommand, CopyObjectCommand, CreateBucketCommand,
  CreateMultipartUploadCommand, DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand,
  GetBucketVersioningCommand, GetObjectCommand, GetObjectLockConfigurationCommand,
  GetObjectTaggingCommand, HeadObjectCommand, ListBucketsCommand, ListMultipartUploadsCommand, PutObjectCommand,
  PutObjectTaggingCommand, S3Client, UploadPartCommand, paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { bytes, check, md5, newBucketName, refused, resolveEverythingHere, runAll, server, withClock } from "./checks.mjs";

const MIB = 1 << 20;
const client = (more = {}) => new S3Client({
  endpoint: server.url, region: "us-east-1", forcePathStyle: true, maxAttempts: 1,
  credentials: { accessKeyId: server.id, secretAccessKey: server.secret }, ...more,
});
const s3 = client();
const tls = client({ endpoint: server.tls_url });

async function bucket(style = s3) {
  const Bucket = newBucketName("sdk");
  await style.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

const put = (Bucket, Key, Body, more = {}, by = s3) => by.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = async (Bucket, Key, more = {}, by = s3) =>
  bytes((await by.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body);

async function keys(Bucket, more = {}) {
  const found = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 5 }, { Bucket, ...more }))
    found.push(...(page.Contents ?? []).map((o) => o.Key));
  return found;
}

// Splits data into pieces of odd lengths, such as a socket or gzip returns.
async function* pieces(data) {
  for (let at = 0, size = 1; at < data.length; at += size, size = (size * 7) % 60000 + 1) yield data.subarray(at, at + size);
}

check("buckets are created, listed and deleted", async () => {
  const Bucket = await bucket();
  const { Buckets } = await s3.send(new ListBucketsCommand({}));
  assert.ok(Buckets.some((b) => b.Name === Bucket && b.CreationDate instanceof Date));
  assert.equal((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status, undefined);
  await put(Bucket, "k", "x");
  await refused(s3.send(new DeleteBucketCommand({ Bucket })), "BucketNotEmpty", 409);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
  await refused(put(Bucket, "k", "x"), "NoSuchBucket", 404);
});

for (const [way, by] of [["http", s3], ["https", tls]]) {
  check(`a buffer is stored over ${way}`, async () => {
    const Bucket = await bucket();
    for (const size of [0, 1, 16385, 3 * MIB]) {
      const data = crypto.randomBytes(size);
      const reply = await put(Bucket, "k", data, {}, by);
      assert.equal(reply.ETag, `"${md5(data)}"`);
      assert.ok(reply.ChecksumCRC32);
      assert.deepEqual(await get(Bucket, "k", {}, by), data);
      assert.equal((await by.send(new HeadObjectCommand({ Bucket, Key: "k" }))).ContentLength, size);
    }
  });

  for (const ChecksumAlgorithm of [undefined, "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
    check(`a stream of known length with ${ChecksumAlgorithm ?? "the default checksum"} in its trailer is stored over ${way}`, async () => {
      const Bucket = await bucket();
      const data = crypto.randomBytes(300001);
      const name = "Checksum" + (ChecksumAlgorithm ?? "CRC32");
      const reply = await put(Bucket, "k", Readable.from(pieces(data)),
                             { ContentLength: data.length, ContentEncoding: "x-own", ChecksumAlgorithm }, by);
      assert.ok(reply[name], name);
      const got = await by.send(new GetObjectCommand({ Bucket, Key: "k", ChecksumMode: "ENABLED" }));
      assert.equal(got[name], reply[name]);
      assert.equal(got.ContentEncoding, "x-own"); // the server removed aws-chunked
      assert.deepEqual(await bytes(got.Body), data); // the SDK compares the checksum while it reads
    });
}

check("a stream without checksums is signed as unsigned", async () => {
  const Bucket = await bucket();
  const plain = client({ endpoint: server.tls_url, requestChecksumCalculation: "WHEN_REQUIRED",
                         responseChecksumValidation: "WHEN_REQUIRED" });
  const data = crypto.randomBytes(100000);
  await put(Bucket, "k", Readable.from(pieces(data)), { ContentLength: data.length }, plain);
  assert.deepEqual(await get(Bucket, "k", {}, plain), data);
});

check("a wrong checksum is refused", async () => {
  const Bucket = await bucket();
  await refused(put(Bucket, "k", "abd", { ChecksumCRC32: "NSRBwg==" }), "BadDigest", 400);
  await refused(put(Bucket, "k", "abd", { ContentMD5: "kAFQmDzST7DWlj99KOF/cg==" }), "BadDigest", 400);
  assert.deepEqual(await keys(Bucket), []);
});

check("lib-storage uploads 17 MiB of unknown length", async () => {
  const Bucket = await bucket();
  const data = crypto.randomBytes(17 * MIB);
  for (const by of [s3, tls]) {
    const params = { Bucket, Key: "two words/é", Body: Readable.from(pieces(data)), Metadata: { a: "b" } };
    const upload = new Upload({ client: by, params, partSize: 5 * MIB, queueSize: 3 });
    const reply = await upload.done();
    assert.match(reply.ETag, /-4"$/);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: "two words/é" }));
    assert.deepEqual(got.Metadata, { a: "b" });
    assert.equal(md5(await bytes(got.Body)), md5(data));
  }
});

check("an upload that lib-storage aborts leaves nothing", async () => {
  const Bucket = await bucket();
  const params = { Bucket, Key: "k", Body: crypto.randomBytes(12 * MIB) };
  const upload = new Upload({ client: s3, params, partSize: 5 * MIB, queueSize: 1 });
  upload.on("httpUploadProgress", ({ part }) => part === 1 && upload.abort());
  await refused(upload.done(), "AbortError");
  // The library aborts the upload without waiting; a part may still be in transit.
  const end = Date.now() + 30000;
  while ((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads) assert.ok(Date.now() < end);
  assert.deepEqual(await keys(Bucket), []);
});

check("checksums of parts and of the whole object are checked", async () => {
  const Bucket = await bucket();
  const data = [crypto.randomBytes(5 * MIB), crypto.randomBytes(10)];
  const kinds = [["CRC32", "FULL_OBJECT"], ["CRC64NVME", "FULL_OBJECT"], ["SHA256", "COMPOSITE"], ["CRC32C", "COMPOSITE"]];
  for (const [ChecksumAlgorithm, ChecksumType] of kinds) {
    const name = "Checksum" + ChecksumAlgorithm;
    const begun = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "k", ChecksumAlgorithm, ChecksumType }));
    assert.deepEqual([begun.ChecksumAlgorithm, begun.ChecksumType], [ChecksumAlgorithm, ChecksumType]);
    const upload = { Bucket, Key: "k", UploadId: begun.UploadId };
    const Parts = [];
    for (const [i, Body] of data.entries()) {
      const part = await s3.send(new UploadPartCommand({ ...upload, PartNumber: i + 1, Body, ChecksumAlgorithm }));
      assert.ok(part[name], ChecksumAlgorithm);
      Parts.push({ PartNumber: i + 1, ETag: part.ETag, [name]: part[name] });
    }
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...upload, ChecksumType, MultipartUpload: { Parts } }));
    assert.equal(done.ChecksumType, ChecksumType);
    if (ChecksumType === "COMPOSITE") assert.match(done[name], /-2$/);
    const whole = await put(Bucket, "whole", Buffer.concat(data), { ChecksumAlgorithm });
    if (ChecksumType === "FULL_OBJECT") assert.equal(done[name], whole[name]);
    assert.equal(md5(await get(Bucket, "k")), md5(Buffer.concat(data)));
    const reply = await s3.send(new HeadObjectCommand({ Bucket, Key: "k", ChecksumMode: "ENABLED" }));
    assert.deepEqual([reply.ContentLength, reply[name], reply.ChecksumType], [5 * MIB + 10, done[name], ChecksumType]);
  }
});

check("names are unchanged in paths, listings, copies and deletions", async () => {
  const Bucket = await bucket();
  const names = [...server.keys, ...server.path_like_keys];
  for (const name of names) await put(Bucket, name, name);
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(await keys(Bucket), sorted);
  for (const name of names) {
    assert.equal((await get(Bucket, name)).toString(), name);
    await s3.send(new CopyObjectCommand({ Bucket, Key: "copy of " + name, CopySource: encodeURIComponent(`${Bucket}/${name}`) }));
    assert.equal((await get(Bucket, "copy of " + name)).toString(), name);
  }
  const done = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: names.map((Key) => ({ Key })) } }));
  assert.deepEqual(done.Deleted.map((d) => d.Key).sort(), [...names].sort());
  assert.equal(done.Errors, undefined);
  assert.ok((await keys(Bucket)).every((k) => k.startsWith("copy of ")));
});

check("ranges, conditions and overrides of response headers work", async () => {
  const Bucket = await bucket();
  const { ETag } = await put(Bucket, "k", "0123456789", { IfNoneMatch: "*", ContentType: "text/x", Metadata: { "a-b": "c d" } });
  await refused(put(Bucket, "k", "x", { IfNoneMatch: "*" }), "PreconditionFailed", 412);
  await refused(put(Bucket, "k", "x", { IfMatch: '"0"' }), "PreconditionFailed", 412);
  assert.equal((await get(Bucket, "k", { Range: "bytes=2-4" })).toString(), "234");
  await refused(get(Bucket, "k", { Range: "bytes=10-" }), "InvalidRange", 416);
  await refused(get(Bucket, "k", { IfNoneMatch: ETag }), null, 304);
  await put(Bucket, "k", "new", { IfMatch: ETag });
  const asked = { Bucket, Key: "k", ResponseContentType: "text/y", ResponseCacheControl: "no-store" };
  const got = await s3.send(new GetObjectCommand(asked));
  assert.deepEqual([got.ContentType, got.CacheControl, (await bytes(got.Body)).toString()], ["text/y", "no-store", "new"]);
});

check("tags are stored and shown", async () => {
  const Bucket = await bucket();
  await put(Bucket, "k", "x", { Tagging: "color=red" });
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: "k", Tagging: { TagSet: [{ Key: "a b", Value: "c+d" }] } }));
  const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: "k" }));
  assert.deepEqual(TagSet, [{ Key: "a b", Value: "c+d" }]);
});

check("links work for put, get and head", async () => {
  const Bucket = await bucket();
  for (const Key of [...server.keys, "a//b", "folder/"]) {
    // The SDK adds the checksum of an empty body to the query; the server must ignore it.
    const link = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    assert.match(link, /x-amz-checksum-crc32=AAAAAA/);
    assert.equal((await fetch(link, { method: "PUT", body: "data of " + Key })).status, 200);
    const read = await getSignedUrl(tls, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    assert.equal(await (await fetch(read)).text(), "data of " + Key);
    const head = await getSignedUrl(s3, new HeadObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    assert.equal((await fetch(head, { method: "HEAD" })).status, 200);
  }
});

check("a form stores a file", async () => {
  const Bucket = await bucket();
  const { url, fields } = await createPresignedPost(s3, {
    Bucket, Key: "in/${filename}", Expires: 60, Fields: { success_action_status: "201", "Content-Type": "text/x" },
    Conditions: [["content-length-range", 1, 1000], ["starts-with", "$Content-Type", "text/"], { success_action_status: "201" }],
  });
  const send = async (size, name, more = {}) => {
    const form = new FormData();
    for (const [field, value] of Object.entries({ ...fields, ...more })) form.append(field, value);
    form.append("file", new Blob([Buffer.alloc(size, "x")]), name);
    const answer = await fetch(url, { method: "POST", body: form });
    return [answer.status, await answer.text()];
  };
  const [status, text] = await send(1000, "two words é.txt");
  assert.equal(status, 201);
  assert.match(text, /<Key>in\/two words é\.txt<\/Key>/);
  assert.match((await send(1001, "a"))[1], /<Code>EntityTooLarge<\/Code>/);
  assert.match((await send(5, "a", { "Content-Type": "image/png" }))[1], /<Code>AccessDenied<\/Code>/);
  assert.deepEqual(await keys(Bucket), ["in/two words é.txt"]);
});

check("requests without permission are refused", async () => {
  const Bucket = await bucket();
  await put(Bucket, "k", "x");
  const wrong = client({ credentials: { accessKeyId: server.id, secretAccessKey: "0".repeat(40) } });
  await refused(get(Bucket, "k", {}, wrong), "SignatureDoesNotMatch", 403);
  const stream = Readable.from(pieces(Buffer.alloc(5000)));
  await refused(put(Bucket, "k", stream, { ContentLength: 5000 }, wrong), "SignatureDoesNotMatch", 403);
  const unknown = client({ credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: server.secret } });
  await refused(get(Bucket, "k", {}, unknown), "InvalidAccessKeyId", 403);
  assert.equal((await get(Bucket, "k")).toString(), "x");
  const link = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "k" }),
                                  { expiresIn: 1, signingDate: new Date(Date.now() - 2000) });
  assert.match(await (await fetch(link)).text(), /<Code>AccessDenied<\/Code>/);
  await refused(get(Bucket, "absent"), "NoSuchKey", 404);
  await refused(s3.send(new GetObjectLockConfigurationCommand({ Bucket })), "ObjectLockConfigurationNotFoundError", 404);
});

check("a clock that is 20 minutes off is refused, and the SDK corrects it by the reply", async () => {
  const Bucket = await bucket();
  for (const minutes of [-20, 20])
    await withClock(minutes, async () => {
      const off = client();
      await refused(put(Bucket, "k", "x", {}, off), "RequestTimeTooSkewed", 403);
      await put(Bucket, "k", "x", {}, off);
      await put(Bucket, "k", "y", {}, client({ maxAttempts: 2 })); // the SDK retries by itself
    });
  assert.equal((await get(Bucket, "k")).toString(), "y");
});

check("the host name may contain the bucket", async () => {
  resolveEverythingHere();
  const named = client({ endpoint: server.name_url, forcePathStyle: false });
  const Bucket = await bucket(named);
  const names = [...server.keys, ...server.path_like_keys];
  for (const name of names) {
    await put(Bucket, name, Readable.from([Buffer.from(name)]), { ContentLength: Buffer.byteLength(name) }, named);
    assert.equal((await get(Bucket, name, {}, named)).toString(), name);
  }
  assert.equal((await keys(Bucket)).length, names.length);
  const link = await getSignedUrl(named, new GetObjectCommand({ Bucket, Key: "two words.txt" }));
  assert.ok(link.startsWith(`https://${Bucket}.`));
  assert.equal(await (await fetch(link)).text(), "two words.txt");
});

await runAll();
