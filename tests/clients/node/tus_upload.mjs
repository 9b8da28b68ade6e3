// SPDX-License-Identifier: Apache-2.0
// Uploads one file with tus-js-client. Usage: tus_upload.mjs SETTINGS, a JSON object. It prints each step as a line of JSON, and
// does what the lines of its standard input say: abort, start, terminate.
import fs from "node:fs";
import readline from "node:readline";
import { PassThrough } from "node:stream";
import { FileUrlStorage, Upload } from "tus-js-client";

const settings = JSON.parse(process.argv[2]);
const say = (step) => console.log(JSON.stringify(step));
const number = (value) => (value === undefined || value === null ? null : Number(value));

// A stream without a path can be read once, as one from a pipe.
const file = fs.createReadStream(settings.file);
const upload = new Upload(settings.once ? file.pipe(new PassThrough()) : file, {
  endpoint: settings.endpoint,
  headers: { Authorization: `Bearer ${settings.token}` },
  retryDelays: settings.retries ?? [],
  urlStorage: settings.storage ? new FileUrlStorage(settings.storage) : undefined,
  storeFingerprintForResuming: Boolean(settings.storage),
  ...settings.options,
  onBeforeRequest: (request) => say({ sent: request.getMethod(), url: request.getURL(), at: number(request.getHeader("Upload-Offset")) }),
  onAfterResponse: (request, response) => say({
    got: response.getStatus(), method: request.getMethod(), url: request.getURL(), at: number(response.getHeader("Upload-Offset")),
  }),
  onProgress: (sent) => say({ progress: sent }),
  onSuccess: () => say({ success: upload.url }),
  onError: (error) => say({ error: String(error) }),
});

if (settings.storage) {
  const [previous] = await upload.findPreviousUploads();
  if (previous) upload.resumeFromPreviousUpload(previous);
  say({ resumed: Boolean(previous) });
}
upload.start();
for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line === "start") {
    upload.start();
  } else {
    await upload.abort(line === "terminate");
    say({ aborted: line });
  }
}
process.exit(0);
