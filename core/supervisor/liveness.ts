import type { Clock } from '../../lib/clock.ts'
import { errorCode } from '../../lib/error-code.ts'
import { registryRequest } from '../../lib/node-http.ts'
import { withoutBrackets } from '../../registry/config/listen-address.ts'
import type { Liveness } from '../platform/admin-liveness.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { Policy } from './policy.ts'
import type { RegistryProcess, Silence, Target } from './state.ts'

/**
 * The result of one GET: the status code; `cut`: the connection ended without an answer, or the answer was no HTTP;
 * `refused`: nobody accepted the connection; `unasked`: this process or machine could not ask; undefined: silence.
 */
export type ProbeAnswer = number | 'cut' | 'refused' | 'unasked' | undefined

/** One GET, within `limitMs`. Never rejects. */
export type Probe = (url: string, limitMs: number) => Promise<ProbeAnswer>

/** Faults of this side, which say nothing about the registry: no descriptor or port is left, or there is no route. */
const localFaults = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_INVALID_URL',
])

/** Opens a new connection each time, because an open one would say nothing about new clients. */
export const probeHttp: Probe = (url, limitMs) =>
  new Promise<ProbeAnswer>((resolve, reject) => {
    const request = registryRequest(url, { agent: false, headers: { 'user-agent': 'zotbar' } })
    const timer = setTimeout(() => done(undefined), limitMs)
    function done(answer: ProbeAnswer) {
      clearTimeout(timer)
      resolve(answer)
      if (typeof answer !== 'number') request.destroy()
    }
    request.on('response', response => {
      response.on('error', () => {})
      response.resume()
      done(response.statusCode)
    })
    request.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    request.end()
  }).catch(answerOf)

function answerOf(error: unknown): ProbeAnswer {
  const code = errorCode(error)
  if (code === 'ETIMEDOUT') return undefined
  if (code === 'ECONNREFUSED') return 'refused'
  return code !== undefined && localFaults.has(code) ? 'unasked' : 'cut'
}

/**
 * `overloaded`: it lives, and clients get no answer from it; a restart would cure nothing. `unknown`: it could not be
 * asked, which says nothing about it.
 */
export type SignOfLife = 'alive' | 'overloaded' | 'silent' | 'unknown'

type PortTable = Pick<ProcessTable, 'alive' | 'portOwner'>

interface SignOfLifeDeps {
  registry: RegistryProcess
  /** The path that any living process of this engine answers: "/livez". */
  path: string
  clock: Clock
  probe: Probe
  /** Asks the engine's administration socket; absent where it has none. */
  askAdmin?: ((limitMs: number) => Promise<Liveness>) | undefined
  processes: PortTable
}

/** The share of the time limit after which the administration socket is asked too. */
const adminAfter = 0.2

/**
 * Asks a process for a sign of life, not for health. Any answer over HTTP is one, an error too. Without an answer the
 * administration socket decides, because clients cannot crowd it out. An engine without that socket also shows that it
 * lives by cutting a connection. Never rejects.
 */
export async function askForSignOfLife(deps: SignOfLifeDeps, limitMs: number): Promise<SignOfLife> {
  const http = askOverHttp(deps, limitMs)
  const adminAfterMs = adminAfter * limitMs
  const early = await withDeadline(http, deps.clock, adminAfterMs)
  if (early === 'alive') return early
  const admin = await deps.askAdmin?.(limitMs - adminAfterMs).catch(() => undefined)
  const answer = await http
  if (answer === 'alive' || answer === 'gone') return answer === 'alive' ? 'alive' : 'silent'
  if (admin?.kind === 'alive') return answer === 'unknown' ? 'alive' : 'overloaded'
  return admin?.kind === 'silent' ? 'silent' : answer
}

/** The answer, if it comes within `limitMs`. */
async function withDeadline<T>(answer: Promise<T>, clock: Clock, limitMs: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const cancel = clock.setTimer(clock.now() + limitMs, () => late.resolve(undefined))
  return Promise.race([answer, late.promise]).finally(cancel)
}

/** `gone`: nobody listens on its port any more. */
async function askOverHttp(deps: SignOfLifeDeps, limitMs: number): Promise<SignOfLife | 'gone'> {
  const { registry, path, probe, processes } = deps
  const answer = await probe(`${registry.target.url}${path}`, limitMs).catch(() => 'unasked' as const)
  switch (answer) {
    case undefined:
      return 'silent'
    case 'unasked':
      return 'unknown'
    case 'cut':
      return (await isCutBy(registry, processes)) ? 'overloaded' : 'silent'
    case 'refused':
      return (await portOwner(registry, processes))?.pid === registry.pid ? 'overloaded' : 'gone'
    default:
      return 'alive'
  }
}

/** Whether a connection that was cut can only have been cut by this process. */
export async function isCutBy(registry: RegistryProcess, processes: PortTable): Promise<boolean> {
  if (!processes.alive(registry.pid)) return false
  const owner = await portOwner(registry, processes)
  // An owner that cannot be seen does not count against it: somebody did cut the connection.
  return owner === undefined || owner.pid === registry.pid
}

const portOwner = ({ pid, target }: RegistryProcess, processes: PortTable) =>
  processes.portOwner(target.port, withoutBrackets(target.host), pid).catch(() => undefined)

/** Whether another process is known to listen there. */
export async function isOwnedByOther(pid: number, target: Target, processes: PortTable): Promise<boolean> {
  const owner = await processes.portOwner(target.port, withoutBrackets(target.host), pid)
  return owner !== undefined && owner.pid !== pid
}

interface ReadinessDeps {
  registry: RegistryProcess
  clock: Clock
  probe: Probe
  /** Whether another process listens on the port: then the answer is not this registry's. */
  isOwnedByOther(registry: RegistryProcess): Promise<boolean>
  /** Whether a connection to the port that was cut can only have been cut by this process. */
  isCutBy(registry: RegistryProcess): Promise<boolean>
  onReady(): void
}

const readinessTimeoutMs = 2000
const [minReadinessPauseMs, maxReadinessPauseMs] = [20, 250]

/**
 * Asks /readyz, or /v2/ where there is none, until it answers that it is ready; calls back once. The pauses grow with the
 * time waited, so that a quick start is seen at once and a slow one costs little. An adopted process that cuts the
 * connection counts as ready, because both engines open the port only when they are.
 */
export function watchReadiness(deps: ReadinessDeps): () => void {
  const { registry, clock, probe, isOwnedByOther, isCutBy, onReady } = deps
  const begunAt = clock.monotonic()
  let isEnded = false
  let cancel = () => {}

  async function ask() {
    const isReady = await answersReady().catch(() => false)
    if (isEnded) return
    if (isReady) {
      isEnded = true
      onReady()
      return
    }
    const waitedMs = clock.monotonic() - begunAt
    const pauseMs = Math.min(Math.max(waitedMs / 10, minReadinessPauseMs), maxReadinessPauseMs)
    cancel = clock.setTimer(clock.now() + pauseMs, ask)
  }
  async function answersReady(): Promise<boolean> {
    const answer = await probeReadiness(probe, registry.target.url)
    if (answer === 'cut') return registry.adopted && isCutBy(registry)
    return answer && !(await isOwnedByOther(registry))
  }
  cancel = clock.setTimer(clock.now() + (registry.adopted ? 0 : minReadinessPauseMs), ask)
  return () => {
    isEnded = true
    cancel()
  }
}

async function probeReadiness(probe: Probe, url: string): Promise<boolean | 'cut'> {
  const status = await probe(`${url}/readyz`, readinessTimeoutMs)
  if (status === 'cut') return status
  if (status !== 404) return status === 200
  const api = await probe(`${url}/v2/`, readinessTimeoutMs)
  return api === 200 || api === 401
}

interface HangDeps {
  clock: Clock
  /** Asks once; never rejects. */
  ask(limitMs: number): Promise<SignOfLife>
  policy: Pick<Policy, 'hangIntervalMs' | 'hangTimeoutMs' | 'hangMisses'>
  /** Called when it stops answering, when `overloaded` changes, and with undefined when it answers again. */
  onSilence(silence: Silence | undefined): void
  /** `answeredAt`: when it last answered, ms since the epoch. */
  onHung(answeredAt: number): void
}

/** Asks for a sign of life again and again; calls `onHung` once after enough misses in a row. Ignores misses caused by system sleep. */
export function watchForHang({ clock, ask, policy, onSilence, onHung }: HangDeps): () => void {
  const { hangIntervalMs, hangTimeoutMs, hangMisses } = policy
  let answeredAt = clock.now()
  let misses = 0
  let reported: Silence | undefined
  let isEnded = false
  let cancel = () => {}

  function askAt(due: number) {
    cancel = clock.setTimer(due, () => void askOnce(due))
  }
  async function askOnce(due: number) {
    const askedAt = clock.now()
    if (askedAt - due > hangIntervalMs) misses = 0
    const sign = await ask(hangTimeoutMs)
    if (isEnded) return
    const now = clock.now()
    const hasSlept = now - askedAt > hangTimeoutMs + hangIntervalMs
    if (sign === 'alive') answeredAt = now
    if (sign === 'alive' || sign === 'overloaded' || hasSlept) misses = 0
    else if (sign === 'silent') misses += 1
    if (misses >= hangMisses) {
      isEnded = true
      return onHung(answeredAt)
    }
    askAt(Math.max(now, askedAt + hangIntervalMs))
    if (sign === 'alive') report(undefined)
    else if (sign === 'overloaded') report({ since: answeredAt, overloaded: true })
    else if (misses > 0) report({ since: answeredAt, overloaded: false })
  }
  function report(silence: Silence | undefined) {
    if (silence?.overloaded === reported?.overloaded) return
    reported = silence
    onSilence(silence)
  }
  askAt(clock.now() + hangIntervalMs)
  return () => {
    isEnded = true
    cancel()
  }
}

interface AdoptedDeps {
  pid: number
  /** Its start time when it was adopted: another one means that the pid belongs to a new process. */
  startTime: number | undefined
  clock: Clock
  processes: Pick<ProcessTable, 'alive' | 'startTime'>
  policy: Pick<Policy, 'aliveIntervalMs' | 'identityIntervalMs'>
  onGone(): void
}

/** Polls an adopted process, because the system reports the exit of children only. Calls back once. */
export function watchAdopted({ pid, startTime, clock, processes, policy, onGone }: AdoptedDeps): () => void {
  let isEnded = false
  let identifiedAt = clock.now()
  let cancel = () => {}

  function checkLater() {
    cancel = clock.setTimer(clock.now() + policy.aliveIntervalMs, () => void check())
  }
  async function check() {
    let isGone = !processes.alive(pid)
    if (!isGone && clock.now() - identifiedAt >= policy.identityIntervalMs) {
      identifiedAt = clock.now()
      const current = await processes.startTime(pid)
      // A start time that cannot be read says nothing while the process lives.
      isGone =
        current === undefined ? !processes.alive(pid) : startTime !== undefined && current !== startTime
    }
    if (isEnded) return
    if (!isGone) return checkLater()
    isEnded = true
    onGone()
  }
  checkLater()
  return () => {
    isEnded = true
    cancel()
  }
}
