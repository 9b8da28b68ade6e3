// SPDX-License-Identifier: Apache-2.0
// A line for a shell, by which a new key is tried. Each word is quoted, because a login may have any characters.
const word = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const curl = (...words) => `curl -sS --fail-with-body ${words.join(" ")}`;
const header = (text) => `-H ${word(text)}`;

// By API: the parts of the key, its login, and the address of the server. As docs/apis have them.
const LINES = {
  native: ({ token }, _, at) => curl(header(`Authorization: Bearer ${token}`), word(`${at}/v1/native/files`)),
  s3: ({ access_key_id, secret_access_key }, _, at) => curl("--aws-sigv4 aws:amz:us-east-1:s3 --user", word(`${access_key_id}:${secret_access_key}`), word(`${at}/`)),
  pyrus: ({ security_key }, login, at) => curl(header("Content-Type: application/json"), "-d", word(JSON.stringify({ login, security_key })), word(`${at}/v4/auth`)),
  runrun: ({ app_key, user_token }, _, at) => curl(header(`App-Key: ${app_key}`), header(`User-Token: ${user_token}`), word(`${at}/api/v1.0/users/me`)),
  redu: ({ access_token }, _, at) => curl(header(`Authorization: OAuth ${access_token}`), word(`${at}/api/me`)),
  datasnap: ({ token }, _, at) => curl(header(`Authorization: Bearer ${token}`), word(`${at}/api/v1/schemas`)),
  appfile: ({ api_key }, _, at) => curl(header(`x-api-key: ${api_key}`), "-d", word("{}"), word(`${at}/appfile/file/query`)),
  sftp: (_, login, at) => `sftp -P 2022 ${word(`${login}@${new URL(at).hostname}`)}`,
};

// Empty: none is known.
export const lineFor = (key) => LINES[key.for]?.(key.parts, key.login, location.origin) ?? "";
