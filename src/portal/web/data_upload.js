// SPDX-License-Identifier: Apache-2.0
// A file of lines on its way to a dataset. It is one upload by tus, as large files are (queue.js), so a lost connection and a restart of the
// server cost nothing. A file that is sent as it is goes on where it was also after the page was closed, when it is chosen again.
import { get, session } from "./api.js";
import { sendAlone } from "./queue.js";

// source: the file that was chosen; lines: what it became (convert.js). progress({ done, all, error }): error while it is tried again.
// Returns the record of the file, with `job` if it is being imported.
export async function send(slug, source, { name, blob }, progress) {
  const all = blob.size;
  // What was made of a file depends on choices on the page, too, so it is the same only as long as the page is open.
  const what = blob === source ? `${source.name}-${source.size}-${source.lastModified}` : crypto.getRandomValues(new Uint32Array(4)).join("-");
  const id = await sendAlone(blob, {
    query: new URLSearchParams({ dataset: slug }), name, fingerprint: `cais-${session.login}-dataset-${slug}-${name}-${what}`,
    acknowledged: (done) => progress({ done, all, error: null }),
    retrying: (error) => progress({ all, error }),
  });
  const file = await get(`/v1/native/datasets/${slug}/files/${id}`);
  if (file.state !== "queued" && file.state !== "running") return file;
  const { jobs } = await get("/v1/native/jobs?limit=200"); // newest first
  return { ...file, job: jobs.find((j) => j.subject === `file:${file.id}`)?.id };
}
