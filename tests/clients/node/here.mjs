// SPDX-License-Identifier: Apache-2.0
// node --import here.mjs: whatever host a program names, TLS goes to HERE_PORT of this machine, and asks for that host.
import tls from "node:tls";
import { syncBuiltinESMExports } from "node:module";

const connect = tls.connect;
tls.connect = (options, ...more) =>
  connect({ ...options, host: "127.0.0.1", port: Number(process.env.HERE_PORT),
            servername: options.servername || options.host }, ...more);
syncBuiltinESMExports();
