import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import type { Clock } from '../../lib/clock.ts'
import { type HomeIdentity, isSameHome } from '../../lib/home-identity.ts'
import { readListenAddress, withoutBrackets } from '../../registry/config/listen-address.ts'
import { readJsonFile, type SetAside } from '../platform/json-file.ts'
import { hasArgument, type ProcessTable } from '../platform/process-table.ts'

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))
const target = v.pipe(
  v.object({
    url: v.string(),
    host: v.string(),
    listen: v.exactOptional(v.string()),
    port,
    dataFolder: v.exactOptional(v.string()),
  }),
  v.transform(withUrl),
)
const schema = v.object({
  /** Absent when the core ended during the spawn: then the process is recognized as the owner of the port. */
  pid: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(2))),
  /** Absent when the core ended before it could be read. */
  startTime: v.exactOptional(v.number()),
  spawnedAt: v.number(),
  executable: v.string(),
  configFile: v.string(),
  engine: v.string(),
  version: v.exactOptional(v.string()),
  place: target,
  /** Size of the log before the spawn. */
  logFrom: v.number(),
  /** The home whose core started it. An older Zotbar did not write it. */
  home: v.exactOptional(v.object({ path: v.string(), folder: v.string() })),
})

/** `run/registry.json`: the registry process, written down so that the next core can adopt it. */
export type ProcessRecord = v.InferOutput<typeof schema>

/** An older Zotbar wrote "http://:::5050" for an `http.address` of "::", an address that cannot be asked. */
function withUrl<T extends { url: string; host: string; port: number }>(target: T): T {
  if (URL.canParse(target.url)) return target
  const host = readListenAddress(target.host)?.host ?? '127.0.0.1'
  const scheme = target.url.startsWith('https:') ? 'https' : 'http'
  return { ...target, url: `${scheme}://${host}:${target.port}`, host, listen: target.host }
}

/** Synchronous, so that no process ever runs without a record. */
export function writeRecord(file: string, record: ProcessRecord): void {
  const text = JSON.stringify(record)
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const staged = `${file}.new`
    writeFileSync(staged, text, { mode: 0o600 })
    renameSync(staged, file)
    prepareReserve(file)
  } catch (error) {
    // A full disk takes only writes into space that a file already has; without a record nobody could adopt the process.
    if (!writeIntoReserve(file, text)) throw error
  }
}

const reserveBytes = 4096
const reserveOf = (file: string): string => `${file}.reserve`

function prepareReserve(file: string): void {
  const reserve = reserveOf(file)
  try {
    if (statSync(reserve, { throwIfNoEntry: false })?.size === reserveBytes) return
    writeFileSync(reserve, ' '.repeat(reserveBytes), { mode: 0o600 })
  } catch {
    // The next record tries it again.
  }
}

/** Writes into a file of blanks, or into a record that was written so: JSON may end in blanks. */
function writeIntoReserve(file: string, text: string): boolean {
  if (Buffer.byteLength(text) > reserveBytes) return false
  const candidates = [reserveOf(file), file]
  const path = candidates.find(name => statSync(name, { throwIfNoEntry: false })?.size === reserveBytes)
  if (path === undefined) return false
  try {
    const descriptor = openSync(path, 'r+')
    try {
      const padded = text + ' '.repeat(reserveBytes - Buffer.byteLength(text))
      writeSync(descriptor, padded, 0)
    } finally {
      closeSync(descriptor)
    }
    if (path !== file) renameSync(path, file)
    return true
  } catch {
    return false
  }
}

export function forgetRecord(file: string): void {
  rmSync(file, { force: true })
}

/** The record, or undefined; one that cannot be parsed is set aside and reported. */
export async function readRecord(
  file: string,
  report: (setAside: SetAside) => void,
): Promise<ProcessRecord | undefined> {
  return readJsonFile(file, schema, { now: Date.now, report })
}

/** The time of the spawn may differ by this much between this clock and the process table. */
const clockToleranceMs = 3000

export interface Identified {
  pid: number
  startTime: number
  /** False when nobody owns the port yet, as in a start that is under way. */
  ownsPort: boolean
}

/**
 * Is the recorded process alive, and still the same one? Compares pid, start time, executable, config path among the
 * arguments, owner of the port, and the home where it is given. Undefined when any of them differs: then it may not be signalled. If the record has no
 * start time, the start time of the owner of the port is compared.
 */
export async function identify(
  record: ProcessRecord,
  configFile: string,
  processes: ProcessTable,
  home?: HomeIdentity,
): Promise<Identified | undefined> {
  const { place: target, spawnedAt } = record
  // The record came with a copy of the home: the process is the other core's.
  if (record.home && home && !isSameHome(record.home, home)) return undefined
  if (record.configFile !== configFile) return undefined
  const owner = await processes.portOwner(target.port, withoutBrackets(target.host), record.pid)
  const pid = record.pid ?? owner?.pid
  if (pid === undefined || !processes.alive(pid)) return undefined
  if (owner !== undefined && owner.pid !== pid) return undefined
  const [startTime, executable, argv] = await Promise.all([
    processes.startTime(pid),
    processes.executable(pid),
    processes.commandLine(pid),
  ])
  if (startTime === undefined || argv === undefined || !hasArgument(argv, configFile)) return undefined
  if (!(await isSameFile(executable, record.executable))) return undefined
  if (record.startTime === undefined) {
    if (Math.abs((owner?.startedAt ?? spawnedAt) - spawnedAt) > clockToleranceMs) return undefined
  } else if (record.startTime !== startTime) return undefined
  return { pid, startTime, ownsPort: owner !== undefined }
}

/**
 * Waits a moment where the core ended during the spawn, so that not even the pid is known: the process may live and not
 * listen yet, and a second one must not be started beside it.
 */
export async function identifyYoung(
  record: ProcessRecord,
  configFile: string,
  processes: ProcessTable,
  clock: Clock,
  home?: HomeIdentity,
): Promise<Identified | undefined> {
  for (;;) {
    const identified = await identify(record, configFile, processes, home)
    const ageMs = clock.now() - record.spawnedAt
    const isSettled = identified !== undefined || record.pid !== undefined
    if (isSettled || ageMs < 0 || ageMs > clockToleranceMs) return identified
    await new Promise<void>(resolve => clock.setTimer(clock.now() + 50, resolve))
  }
}

/** Linux adds this to the path of a program that was replaced while it ran. */
const deletedSuffix = / \(deleted\)$/

async function isSameFile(a: string | undefined, b: string): Promise<boolean> {
  if (a === undefined) return false
  const [left, right] = [a.replace(deletedSuffix, ''), b.replace(deletedSuffix, '')]
  if (left === right) return true
  const realPath = (path: string) => realpath(path).catch(() => path)
  return (await realPath(left)) === (await realPath(right))
}
