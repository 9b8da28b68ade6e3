// SPDX-License-Identifier: Apache-2.0
// Attaches a file to a new task of Runrun.it, as programs that use axios and form-data do.
// Usage: runrun_upload.mjs current|older FILE. Addresses are literals, as in the vendor's examples.
import fs from "node:fs";
import path from "node:path";
import axios from "axios";
import FormData from "form-data";

const API = "https://runrun.it/api/v1.0";
const STORAGE = {
  current: "https://gryvnagsfedj.compat.objectstorage.sa-saopaulo-1.oraclecloud.com/runrunit",
  older: "https://s3.amazonaws.com/runrunit",
};
const [generation, file] = process.argv.slice(2);
const keys = { "app-key": process.env.APP_KEY, "user-token": process.env.USER_TOKEN };
const headers = { ...keys, "content-type": "application/json", "cache-control": "no-cache" };
const name = path.basename(file);

try {
  const task = { title: "A task with a file", description: "made by runrun_upload.mjs", board_id: 493553, project_id: null };
  const { data: { id: taskId } } = await axios.post(`${API}/tasks`, { task }, { headers });
  const document = { data_file_name: name, data_file_size: fs.statSync(file).size, warning_duplicate: false };
  const { data: ticket } = await axios.post(`${API}/documents?task_id=${taskId}`, { document },
                                            { headers, params: { task_id: taskId } });
  const form = new FormData();
  const fields = ticket.fields;
  if (generation === "current") {
    for (const field of ["key", "Policy", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"])
      form.append(field, fields[field]);
  } else {
    form.append("name", name);
    form.append("key", fields.key);
    form.append("acl", "private");
    for (const field of ["policy", "signature", "AWSAccessKeyId", "content_type"]) form.append(field, fields[field]);
    form.append("filename", name);
  }
  form.append("success_action_status", "201");
  form.append("file", fs.createReadStream(file));
  const length = await new Promise((done, failed) => form.getLength((e, n) => (e ? failed(e) : done(n))));
  await axios.post(STORAGE[generation], form, {
    headers: { ...(generation === "older" ? keys : {}), ...form.getHeaders(), "Content-Length": length }, maxBodyLength: Infinity,
  });
  await axios.post(`${API}/documents/${ticket.id}/mark_as_uploaded`, {}, { headers });
  const { data } = await axios.get(`${API}/tasks/${taskId}`, { headers });
  console.log(data);
} catch (error) {
  console.error(error.response?.data ?? error.message);
}
