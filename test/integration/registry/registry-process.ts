import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../fakes/eventually.ts'

export const entry = fileURLToPath(new URL('../../../registry/main.ts', import.meta.url))

/** A folder for one test, removed by `dispose`. */
export function temporaryFolder(): { path: string; dispose: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'zotbar-registry-'))
  return { path, dispose: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the registry's command line to its end. */
export async function run(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const seen = listenTo(child)
  const [code] = await once(child, 'close')
  return { code, stdout: seen.stdout, stderr: seen.stderr }
}

function listenTo(child: ChildProcess): { stdout: string; stderr: string } {
  const seen = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    seen.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    seen.stderr += text
  })
  return seen
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** The first error code of the body, if it has one. */
  code: string | undefined
}

export interface AskOptions {
  method?: string
  headers?: Record<string, string>
  body?: Buffer | string
}

export interface Registry {
  url: string
  port: number
  pid: number
  root: string
  /** Lines of the log so far. */
  log: () => Record<string, unknown>[]
  /** Sends the path exactly as it is written. */
  ask: (path: string, options?: AskOptions) => Promise<Answer>
  /** A bare connection. */
  connect: () => Promise<Socket>
  signal: (signal: NodeJS.Signals) => void
  /** Ends when the process has ended; what it ended with. */
  ended: Promise<Ended>
  /** SIGTERM, and SIGKILL after a while. */
  stop: () => Promise<Ended>
}

/** Starts the registry on a free port over `root` and waits until it answers. `program`: another copy of it. */
export async function startRegistry(
  root: string,
  config: object = {},
  program: string = entry,
): Promise<Registry> {
  const file = writeConfig(root, config)
  const child = spawn(process.execPath, [program, 'serve', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const seen = listenTo(child)
  const ended = once(child, 'close').then(([code]): Ended => ({ code, ...seen }))
  let over = false
  void ended.then(() => {
    over = true
  })
  const log = (): Record<string, unknown>[] =>
    seen.stdout
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line))
  const serving = await eventually(() => {
    if (over) throw new Error(`ended at once: ${seen.stdout}${seen.stderr}`)
    return log().find(line => line['message'] === 'serving')
  }, 20_000)
  const port = Number(serving['port'])
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    root,
    log,
    ask: (path, options) => ask(port, path, options),
    connect: () => connectTo(port),
    signal: signal => void child.kill(signal),
    ended,
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      const result = await ended
      clearTimeout(timer)
      return result
    },
  }
}

/** A config.json beside the root; answers its path. */
export function writeConfig(root: string, config: object = {}): string {
  const file = `${root}.config.json`
  const http = { address: '127.0.0.1', port: '0' }
  writeFileSync(
    file,
    JSON.stringify({ storage: { rootDirectory: root }, http, log: { level: 'info' }, ...config }),
  )
  return file
}

/** A bare connection. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

export function ask(port: number, path: string, options: AskOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const req = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      method,
      headers: { ...length, ...headers },
      agent: false,
    })
    req.on('error', reject)
    req.on('response', res => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => {
        const whole = Buffer.concat(chunks)
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: whole,
          code: codeOf(res.headers, whole),
        })
      })
    })
    req.end(body)
  })
}

function codeOf(headers: IncomingHttpHeaders, body: Buffer): string | undefined {
  if (headers['content-type'] !== 'application/json' || body.length === 0) return undefined
  return JSON.parse(body.toString()).errors?.[0]?.code
}
