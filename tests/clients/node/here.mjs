// SPDX-License-Identifier: Apache-2.0
// node --import here.mjs: TLS to any host connects to port HERE_PORT of this machine and sends the host name in SNI.
import tls from "node:tls";
import { syncBuiltinESMExports } from "node:module";

const connect = tls.connect;
tls.connect = (options, ...more) =>
  connect({ ...options, host: "127.0.0.1", port: Number(process.env.HERE_PORT),
            servername: options.servername || options.host }, ...more);
syncBuiltinESMExports();
