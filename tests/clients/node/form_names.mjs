// SPDX-License-Identifier: Apache-2.0
// Sends files with unusual names in forms, as Node's fetch and as axios with form-data write them. CAIS_FORMS: a list of
// {writer, url, headers, fields, field, name, data}. For each form it prints {status, text} in one line.
import axios from "axios";
import NodeForm from "form-data";

async function byFetch({ url, headers, fields, field, name, data }) {
  const form = new FormData();
  for (const [key, value] of fields) form.append(key, value);
  form.append(field, new File([data], name));
  const answer = await fetch(url, { method: "POST", headers, body: form });
  return { status: answer.status, text: await answer.text() };
}

async function byAxios({ url, headers, fields, field, name, data }) {
  const form = new NodeForm();
  for (const [key, value] of fields) form.append(key, value);
  form.append(field, Buffer.from(data), { filename: name });
  const answer = await axios.post(url, form.getBuffer(), { headers: { ...headers, ...form.getHeaders() }, proxy: false, maxRedirects: 0,
                                                           validateStatus: null, transformResponse: (text) => text });
  return { status: answer.status, text: answer.data };
}

for (const form of JSON.parse(process.env.CAIS_FORMS))
  console.log(JSON.stringify(await (form.writer === "fetch" ? byFetch : byAxios)(form)));
process.exit(0);
