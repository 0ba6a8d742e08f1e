import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'

const script = join(import.meta.dirname, 'delay-probe.ts')

/** Options for a process whose event loop is to be measured, and its measurements. */
export interface Probed {
  options: { nodeOptions: string[]; environment: Record<string, string> }
  /** How late its timers were while `work` ran, ms. */
  during(pid: number, work: () => Promise<unknown>): Promise<number[]>
}

/** The process writes its samples to `file`. */
export function probed(file: string): Probed {
  return {
    options: { nodeOptions: ['--import', script], environment: { BENCH_DELAY_FILE: file } },
    async during(pid, work) {
      await rm(file, { force: true })
      process.kill(pid, 'SIGUSR2')
      await work()
      process.kill(pid, 'SIGUSR2')
      return await delaysIn(file)
    },
  }
}

async function delaysIn(file: string): Promise<number[]> {
  const until = performance.now() + 5_000
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const samples: unknown = text.endsWith(']') ? JSON.parse(text) : undefined
    if (Array.isArray(samples)) return samples.map(Number)
    if (performance.now() > until) throw new Error('the process did not write how late its timers were')
    await pause(20)
  }
}
