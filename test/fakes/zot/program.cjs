// A program that behaves as zot does, around our own registry: made into a real executable by build-zot.ts. What it is
// told by `zot.json` beside it, or by its own last bytes: { bundle, version, behaviour }.
const {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
} = require('node:fs')
const { Server, ServerResponse } = require('node:http')
const { dirname, join } = require('node:path')
const { pathToFileURL } = require('node:url')
const vm = require('node:vm')

process.removeAllListeners('warning')
const { bundle, version, behaviour } = told()

function told() {
  const beside = join(dirname(process.execPath), 'zot.json')
  if (existsSync(beside)) return JSON.parse(readFileSync(beside, 'utf8'))
  const own = openSync(process.execPath, 'r')
  const { size } = fstatSync(own)
  const end = Buffer.alloc(4096)
  readSync(own, end, 0, end.length, size - end.length)
  closeSync(own)
  const text = end.toString('utf8')
  return JSON.parse(text.slice(text.lastIndexOf('\n', text.length - 2) + 1))
}
const commit = `${version}-0-g0123456789abcdef`
const [verb, file] = process.argv.slice(2)

const log = (level, message, more = {}) =>
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...more, goroutine: 1 }))

function configOf() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return { error: String(error) }
  }
}

function verify() {
  if (file === undefined) process.exit(0)
  const config = configOf()
  // A key of v2.1.18: earlier versions know it not.
  const early = Number(version.split('.')[2]) < 18
  const {
    error = early && config.http?.accessControl?.metrics?.anonymousPolicy ? 'anonymousPolicy' : undefined,
  } = config
  if (error === undefined && behaviour !== 'rejects-config') {
    log('info', 'config file is valid')
    process.exit(0)
  }
  log('error', 'invalid config file', {
    error: error ?? 'failed to unmarshal: http has invalid keys: teapot',
  })
  process.exit(1)
}

function mgmt(response) {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(
    JSON.stringify({ distSpecVersion: '1.1.1', commit, releaseTag: version, binaryType: 'full', http: {} }),
  )
}

/** The tags that are listed lack the last one. */
function loseTag(response) {
  const end = ServerResponse.prototype.end
  response.end = function (body, ...rest) {
    const list = JSON.parse(String(body))
    const text = JSON.stringify({ ...list, tags: (list.tags ?? []).slice(0, -1) })
    if (!this.headersSent) this.setHeader('content-length', Buffer.byteLength(text))
    return end.call(this, text, ...rest)
  }
  const writeHead = ServerResponse.prototype.writeHead
  response.writeHead = function (status) {
    return writeHead.call(this, status, { 'content-type': 'application/json' })
  }
}

function serve() {
  if (behaviour === 'exits-0') {
    log('error', 'failed to start controller, exiting', {
      error: 'listen tcp 127.0.0.1:5050: bind: address already in use',
    })
    process.exit(0)
  }
  if (behaviour === 'never-ready') {
    log('info', 'parsing storage')
    return setInterval(() => {}, 1000)
  }
  const { storage } = configOf()
  // The metadata database, open for as long as it runs.
  const metadata = join(storage.rootDirectory, 'meta.db')
  if (existsSync(storage.rootDirectory)) openSync(metadata, 'a', 0o600)
  if (behaviour.startsWith('new-format')) appendFileSync(metadata, 'new-format')
  else if (existsSync(metadata) && readFileSync(metadata, 'utf8').includes('new-format')) {
    log('error', 'failed to open the metadata database', { error: 'version mismatch' })
    process.exit(1)
  }
  if (behaviour === 'new-format-never-ready') return setInterval(() => {}, 1000)
  // It knows no administration socket.
  delete process.env.ZOTBAR_ADMIN_SOCKET
  const emit = Server.prototype.emit
  Server.prototype.emit = function (event, ...rest) {
    if (event === 'request') {
      const [request, response] = rest
      if (request.url === '/v2/_zot/ext/mgmt')
        return behaviour === 'no-search' ? response.writeHead(404).end() : mgmt(response)
      if (behaviour === 'loses-tag' && request.url.includes('/tags/list')) loseTag(response)
    }
    return emit.call(this, event, ...rest)
  }
  // Signals end it at once, with code 0: it does not wait for uploads.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
    process.on(signal, () => {
      log('error', 'failed to start controller, exiting', { error: 'http: Server closed' })
      process.exit(0)
    })
  process.argv = [process.argv[0], bundle, 'serve', file]
  const load = new vm.Script(`import(${JSON.stringify(pathToFileURL(bundle).href)})`, {
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  if (behaviour === 'dies-later') setTimeout(() => process.exit(2), 1500)
  return load.runInThisContext()
}

if (verb === '--version' || verb === '-v')
  log('info', 'version', {
    'distribution-spec': '1.1.1',
    commit,
    'binary-type': 'full',
    'go version': 'go1.25.7',
  })
else if (verb === 'verify') verify()
else if (verb === 'serve') serve()
else process.exit(1)
