// A registry that behaves as its config file says: `node engine.mjs serve CONFIG`.
// {port, kind: 'own' | 'zot', startAfter, exitAfter, code, ignoresTerm, hangAfter, drainMs, flood, says,
// logs: {file, message, error}, last: lines for standard error}; SIGUSR2 makes it cut every connection
import { appendFileSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const config = JSON.parse(readFileSync(process.argv[3], 'utf8'))
const { port, kind = 'own', startAfter = 0, exitAfter, code = 0, hangAfter, drainMs = 0 } = config
const log = message => process.stdout.write(`${JSON.stringify({ level: 'info', message })}\n`)

log(config.says ?? `start ${process.pid}`)
if (exitAfter !== undefined) setTimeout(end, exitAfter)

function end() {
  if (config.logs) {
    const { file, ...entry } = config.logs
    appendFileSync(file, `${JSON.stringify({ time: new Date().toISOString(), level: 'error', ...entry })}\n`)
  }
  process.stderr.write((config.last ?? []).map(line => `${line}\n`).join(''), () => process.exit(code))
}

const probes = ['/livez', '/readyz', '/startupz']
const server = createServer((request, response) => {
  const found = request.url === '/v2/' || (kind === 'own' && probes.includes(request.url))
  response.writeHead(found ? 200 : 404).end(found ? 'ok' : '')
})
server.on('error', error => {
  console.log(
    JSON.stringify({ level: 'error', error: error.message, message: 'failed to start controller, exiting' }),
  )
  // zot exits 0 here; ours does not.
  process.exit(kind === 'zot' ? 0 : 1)
})
if (port !== undefined) setTimeout(() => server.listen(port, '127.0.0.1', listening), startAfter)

function listening() {
  if (hangAfter !== undefined)
    setTimeout(() => {
      for (;;);
    }, hangAfter)
  if (config.flood) flood()
}

function flood() {
  const line = `${'x'.repeat(99)}\n`.repeat(2000)
  const write = () => process.stdout.write(line)
  for (let n = 0; n < 20; n++) write()
  setImmediate(flood)
}

// From now on every connection is cut before it could ask, as at a limit.
process.on('SIGUSR2', () => {
  server.removeAllListeners('connection')
  server.on('connection', socket => {
    socket.resetAndDestroy()
    log('cut')
  })
  log('cuts')
})
process.on('SIGTERM', () => {
  if (config.ignoresTerm) return log('SIGTERM ignored')
  if (kind === 'zot') process.exit(0)
  setTimeout(() => process.exit(0), drainMs)
})
setInterval(() => {}, 60_000)
