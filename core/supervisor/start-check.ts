import { createServer } from 'node:net'
import type { Result } from '../../contract/result.ts'
import type { Undecided } from '../../contract/undecided.ts'
import type { Clock } from '../../lib/clock.ts'
import { knownHomeIdentity } from '../../lib/home-identity.ts'
import { withoutBrackets } from '../../registry/config/listen-address.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { Policy } from './policy.ts'
import { type Identified, identifyYoung, type ProcessRecord, readRecord } from './process-record.ts'
import type { CheckResult, ForeignProcess, RegistryProcess, Target } from './state.ts'

export interface StartCheckDeps {
  /** run/registry.json, logs/registry.log and journal.jsonl are in it. */
  home: string
  configFile: string
  clock: Clock
  processes: ProcessTable
  /**
   * Reads the config and checks the data volume before each start. Answers where the engine will listen, and what
   * somebody has to choose first.
   */
  preflight(): Promise<Result<Target & { undecided?: Undecided }>>
  /** Adds what can be found out about the process that owns the port. */
  recognize?(owner: ForeignProcess, target: Target): Promise<ForeignProcess>
  isPortFree?(target: Target): Promise<boolean>
  /** The core's own log. */
  log(message: string, data?: Record<string, unknown>): void
  /** A file of ours that could not be parsed and was set aside. */
  report(fact: { kind: 'file-set-aside' } & SetAside): void
}

interface Options {
  deps: StartCheckDeps
  policy: Policy
  recordFile: string
  /** A process that an earlier core left was found. */
  onAdopt(registry: RegistryProcess, identified: Identified, record: ProcessRecord): void
}

/** The check of the machine before a start: is there a process to adopt, is the config valid, is the port free? */
export interface StartCheck {
  run(): Promise<CheckResult>
  /** Only the owner of the port. */
  runForPort(target: Target): Promise<CheckResult>
  /** The recorded process, if it is alive and still the same one. */
  recorded(): Promise<{ engine: string; executable: string; version?: string } | undefined>
}

export function createStartCheck({ deps, policy, recordFile, onAdopt }: Options): StartCheck {
  const { clock, configFile, processes, isPortFree: isFree = isPortFree } = deps

  // A home that cannot be read is no reason to give a running process up.
  const home = knownHomeIdentity(deps.home)
  const read = () =>
    readRecord(recordFile, setAside => deps.report({ kind: 'file-set-aside', ...setAside })).catch(
      () => undefined,
    )

  async function checkMachine(): Promise<CheckResult> {
    const record = await read()
    const identified = record && (await identifyYoung(record, configFile, processes, clock, home))
    if (record && identified) {
      const { place: target, spawnedAt, logFrom } = record
      const { pid, ownsPort } = identified
      const registry = { pid, startedAt: spawnedAt, adopted: true, target, logFrom }
      onAdopt(registry, identified, record)
      return { kind: 'ours', registry, ownsPort }
    }
    if (record) deps.log('the recorded process is gone, or is another one', { ...record })
    const checked = await deps.preflight()
    if (!checked.ok) return { kind: 'refused', error: checked.error }
    const { undecided } = checked.value
    const result = await checkPort(targetOnly(checked.value))
    // A taken port is reported even where somebody has to choose first.
    return result.kind === 'free' && undecided !== undefined ? { kind: 'undecided', undecided } : result
  }

  async function checkPort(target: Target): Promise<CheckResult> {
    const result = await portResult(target, processes, isFree)
    if (result.kind !== 'taken' || deps.recognize === undefined) return result
    return { ...result, owner: await deps.recognize(result.owner, target) }
  }

  /** Never rejects, and ends in time, so that a volume that does not answer holds up nothing else. */
  function complete(check: Promise<CheckResult>): Promise<CheckResult> {
    const limited = new Promise<CheckResult>((resolve, reject) => {
      const subject = 'the look at config and data folder, which took too long'
      const cancel = clock.setTimer(clock.now() + policy.checkTimeoutMs, () =>
        resolve({ kind: 'refused', error: { code: 'unexpected', where: subject } }),
      )
      check.then(resolve, reject).finally(cancel)
    })
    return limited.catch((error: unknown): CheckResult => {
      deps.log('the look before a start failed', { error: String(error) })
      return { kind: 'refused', error: { code: 'unexpected', where: 'the look before a start' } }
    })
  }

  return {
    run: () => complete(checkMachine()),
    runForPort: target => complete(checkPort(target)),
    async recorded() {
      const record = await read()
      const identified = record && (await identifyYoung(record, configFile, processes, clock, home))
      if (!record || !identified) return undefined
      const { engine, executable, version } = record
      return { engine, executable, ...(version === undefined ? {} : { version }) }
    },
  }
}

/** Only what belongs into a state: a preflight may answer with more, functions too. */
const targetOnly = ({ url, host, listen, port, dataFolder }: Target): Target => ({
  url,
  host,
  port,
  ...(listen === undefined ? {} : { listen }),
  ...(dataFolder === undefined ? {} : { dataFolder }),
})

const listenHost = ({ listen, host }: Target): string => listen ?? withoutBrackets(host)

/** Whether the engine could listen there: tried in the same way as the engine does. Takes under a millisecond. */
function isPortFree(target: Target): Promise<boolean> {
  const { port } = target
  return new Promise(resolve => {
    const server = createServer()
    // Any other error (no such address, not permitted) is left for the engine to explain.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen({ host: listenHost(target), port, exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })
}

/** Whether the engine could listen there now, and who keeps it from that. */
export async function portResult(
  target: Target,
  processes: Pick<ProcessTable, 'portOwner'>,
  isFree: (target: Target) => Promise<boolean> = isPortFree,
): Promise<Extract<CheckResult, { kind: 'free' | 'taken' }>> {
  if (await isFree(target)) return { kind: 'free', target }
  const owner = await processes.portOwner(target.port, listenHost(target))
  // Without an owner the port may just have been released, so it is tried once more.
  if (owner === undefined && (await isFree(target))) return { kind: 'free', target }
  return { kind: 'taken', port: target.port, owner: owner ?? {} }
}
