// SPDX-License-Identifier: Apache-2.0
// Puts a file to a signed URL as integrators of Appfile do with axios: from a stream, so that the request is chunked and has no
// length. Usage: appfile_put.mjs URL FILE
import fs from "node:fs";
import axios from "axios";

const [url, file] = process.argv.slice(2);
try {
  const headers = { "Content-Type": "application/octet-stream" };
  const { status } = await axios.put(url, fs.createReadStream(file), { headers });
  console.log("stored:", status);
} catch (error) {
  console.error("refused:", error.response?.status, error.response?.data ?? error.message);
  process.exitCode = 1;
}
