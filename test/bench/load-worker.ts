// The thread of load.ts. Says 'ready', asks until it hears 'stop', then says what it measured.
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'

const { url, method, paths, connections, headers = {}, pauseMs = 0 } = workerData
const { hostname, port, host } = new URL(url)
const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
const requests: Buffer[] = paths.map((path: string) =>
  Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`),
)
const at: number[] = []
const took: number[] = []
let next = 0
let stopping = false
let failed: string | undefined
let open = 0

const now = (): number => performance.timeOrigin + performance.now()

for (let number = 0; number < connections; number++) begin()

function begin(): void {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let asked = 0
  let read = ''
  const ask = (): void => {
    if (stopping) return void socket.end()
    const request = requests[next++ % requests.length]
    asked = performance.now()
    if (request) socket.write(request)
  }
  socket.setEncoding('latin1')
  socket.on('connect', () => {
    if (++open === connections) parentPort?.postMessage('ready')
    ask()
  })
  socket.on('data', text => {
    read += text
    const end = read.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = method === 'HEAD' ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(read)?.[1] ?? 0)
    if (read.length < end + 4 + length) return
    if (!read.startsWith('HTTP/1.1 200')) failed ??= read.slice(0, end)
    read = ''
    took.push(performance.now() - asked)
    at.push(now())
    if (pauseMs > 0) setTimeout(ask, pauseMs)
    else ask()
  })
  socket.on('error', error => {
    failed ??= error.message
  })
  socket.on('close', () => closed())
}

function closed(): void {
  if (!stopping) failed ??= 'a connection was closed'
  open--
  if (open <= 0) parentPort?.postMessage({ at: Float64Array.from(at), took: Float64Array.from(took), failed })
}

parentPort?.on('message', () => {
  stopping = true
})
