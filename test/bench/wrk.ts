import { join } from 'node:path'
import { runWell } from './program.ts'

/** What one run of wrk says. */
export interface Load {
  perSecond: number
  p99Milliseconds: number
}

export interface WalkOptions {
  accept: string
  seconds: number
  connections: number
  /** The header of this name, whole. */
  authorization?: string
}

const script = join(import.meta.dirname, 'walk.lua')

/** GETs the paths in `file` over `connections` connections for `seconds`. Any answer but 2xx or 3xx is a failure. */
export async function walk(url: string, file: string, options: WalkOptions): Promise<Load> {
  const { accept, seconds, connections, authorization } = options
  const args = [
    '-t',
    String(Math.min(2, connections)),
    '-c',
    String(connections),
    '-d',
    `${seconds}s`,
    '-s',
    script,
  ]
  const { stdout } = await runWell('wrk', [
    ...args,
    url,
    '--',
    file,
    accept,
    ...(authorization ? [authorization] : []),
  ])
  return loadIn(stdout)
}

/** Reads the line that walk.lua prints. */
export function loadIn(output: string): Load {
  const line = /^walk (\{.*\})$/m.exec(output)?.[1]
  const numbers: unknown = line === undefined ? undefined : JSON.parse(line)
  const read = (key: string): number => {
    const value = typeof numbers === 'object' && numbers !== null ? Reflect.get(numbers, key) : undefined
    if (typeof value !== 'number') throw new Error(`wrk said nothing of ${key}:\n${output}`)
    return value
  }
  const failed = read('status') + read('broken')
  if (failed > 0) throw new Error(`${failed} of ${read('requests')} requests failed`)
  return { perSecond: read('requests') / (read('micros') / 1e6), p99Milliseconds: read('p99') / 1000 }
}
