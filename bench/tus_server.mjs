// SPDX-License-Identifier: Apache-2.0
// The reference server of tus with its store of files, as its documents show it: the peer of bench/run's lines `resumable`.
import http from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../tests/clients/node/package.json', import.meta.url))
const { Server } = await import(require.resolve('@tus/server'))
const { FileStore } = await import(require.resolve('@tus/file-store'))

const [port, directory] = process.argv.slice(2)
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }) })
http.createServer((request, reply) => {
    if (request.url === '/ready') {
        reply.end('ready')
        return
    }
    tus.handle(request, reply)
}).listen(Number(port), '127.0.0.1')
