import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Flood } from './flood.ts'

const script = fileURLToPath(new URL('./flood.ts', import.meta.url))

/** Starts a hostile client and waits until it has begun. */
export async function startFlood(order: Flood): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

export async function endFlood(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error('the flood ended by itself')
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

export interface Heard {
  /** ms, each from the call to the end of its answer, shortest first. */
  readonly times: readonly number[]
  /** Answers other than 200, by status. */
  readonly refused: Readonly<Record<number, number>>
}

/** Asks for a path again and again over one connection, as a client does that does nothing wrong. */
export async function askNeutrally(
  port: number,
  path: string,
  count: number,
  from = '127.0.0.1',
): Promise<Heard> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times: number[] = []
  const refused: Record<number, number> = {}
  for (let at = 0; at < count; at++) {
    const startedAt = performance.now()
    const status = await askOnce(agent, port, path, from)
    times.push(performance.now() - startedAt)
    if (status !== 200) refused[status] = (refused[status] ?? 0) + 1
  }
  agent.destroy()
  return { times: times.sort((a, b) => a - b), refused }
}

export const percentile = ({ times }: Heard, part: number): number =>
  times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0

/** Once more where a connection that was kept turns out to be closed, as every client does. */
async function askOnce(agent: Agent, port: number, path: string, from: string): Promise<number> {
  for (let turn = 0; ; turn++) {
    const status = await new Promise<number>((resolve, reject) => {
      const req = request({ agent, port, path, host: '127.0.0.1', localAddress: from }, res => {
        res.on('error', reject)
        res.on('end', () => resolve(res.statusCode ?? 0))
        res.resume()
      })
      req.on('error', reject)
      req.end()
    }).catch((error: Error) => error)
    if (typeof status === 'number') return status
    if (turn === 4) throw status
  }
}
