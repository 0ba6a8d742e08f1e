import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProcessState } from '../../../contract/registry-state.ts'
import { systemProcessTable } from '../../../core/platform/system-processes.ts'
import type { Policy } from '../../../core/supervisor/policy.ts'
import {
  createSupervisor,
  type Supervisor,
  type SupervisorDeps,
} from '../../../core/supervisor/supervisor.ts'
import { systemClock } from '../../../lib/clock.ts'
import { fakeEngine } from '../../fakes/engine/fake-engine.ts'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'

export const processes = systemProcessTable()

/** Waits a tenth of what users wait. */
const quick: Partial<Policy> = {
  backoffMs: [0, 100, 200],
  foreignRetryMs: 200,
  failedRetryMs: 200,
  loopRetryMs: 60_000,
  drainTimeoutMs: 1500,
  killAfterMs: 2000,
  hangIntervalMs: 200,
  hangTimeoutMs: 300,
  identityIntervalMs: 300,
  adoptTimeoutMs: 3000,
}

/** A home and a config in a temporary folder, and supervisors over them; all gone after `end`. */
export async function createRig(config: Record<string, unknown> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-supervisor-'))
  const home = join(folder, 'home')
  const configFile = join(folder, 'config.json')
  const port = await freePort()
  const place = { url: `http://127.0.0.1:${port}`, host: '127.0.0.1', port }
  const supervisors: Supervisor[] = []
  const facts: { file: string; keptAs: string }[] = []
  const states: ProcessState[] = []

  const rig = {
    home,
    configFile,
    port,
    place,
    facts,
    /** Every state that was told, in order. */
    states,
    kinds: () => states.map(state => state.kind),
    configure: (next: Record<string, unknown>) =>
      writeFileSync(configFile, JSON.stringify({ port, ...next })),
    supervise(parts: Partial<SupervisorDeps> = {}): Supervisor {
      const supervisor = createSupervisor({
        engine: fakeEngine,
        home,
        configFile,
        clock: systemClock(),
        processes,
        preflight: async () => ({ ok: true, value: place }),
        uploadsInProgress: async () => [],
        uploadsLeft: async () => [],
        childEnvironment: {},
        log: () => {},
        report: fact => facts.push(fact),
        ...parts,
        policy: { ...quick, ...parts.policy },
      })
      supervisor.onChange(() => {
        if (JSON.stringify(supervisor.state()) !== JSON.stringify(states.at(-1)))
          states.push(supervisor.state())
      })
      supervisors.push(supervisor)
      return supervisor
    },
    record: () => JSON.parse(readFileSync(join(home, 'run', 'registry.json'), 'utf8')),
    /** Ends every supervisor and every process that was started on this config. */
    async end() {
      await Promise.all(supervisors.map(supervisor => supervisor.close({ keepServing: false })))
      for (const pid of pidsOf(configFile)) process.kill(pid, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  rig.configure(config)
  return rig
}

/** Waits until the supervisor is in a state, and answers it. */
export function until<K extends ProcessState['kind']>(supervisor: Supervisor, kind: K, limitMs = 10_000) {
  return eventually(() => {
    const state = supervisor.state()
    return state.kind === kind ? (state as Extract<ProcessState, { kind: K }>) : undefined
  }, limitMs).catch(() => Promise.reject(new Error(`not ${kind} but ${JSON.stringify(supervisor.state())}`)))
}

export const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/v2/`).then(
    response => response.ok,
    () => false,
  )

/** Processes with this file among their arguments. */
export function pidsOf(file: string): number[] {
  const list = execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' })
  return list
    .split('\n')
    .filter(line => line.includes(file) && !/^\s*\d+\s+Z/.test(line))
    .map(line => Number.parseInt(line, 10))
}
