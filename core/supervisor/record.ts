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
import { dirname } from 'node:path'
import * as v from 'valibot'
import { readListenAddress } from '../../registry/config/listen-address.ts'
import { readJsonFile, type SetAside } from '../platform/json-file.ts'

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))
const place = v.pipe(
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
  /** Absent when the app ended during the spawn: then the owner of the port may be it. */
  pid: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(2))),
  /** Absent when the app ended before it could be read. */
  startTime: v.exactOptional(v.number()),
  spawnedAt: v.number(),
  executable: v.string(),
  configFile: v.string(),
  engine: v.string(),
  version: v.exactOptional(v.string()),
  place,
  /** Size of the log before the spawn. */
  logFrom: v.number(),
})

/** What is written down about the process under care, for the next life of the app. */
export type ProcessRecord = v.InferOutput<typeof schema>

/** An older Zotbar wrote "http://:::5050" for an `http.address` of "::": nobody could be asked there. */
function withUrl<P extends { url: string; host: string; port: number }>(place: P): P {
  if (URL.canParse(place.url)) return place
  const host = readListenAddress(place.host)?.host ?? '127.0.0.1'
  const scheme = place.url.startsWith('https:') ? 'https' : 'http'
  return { ...place, url: `${scheme}://${host}:${place.port}`, host, listen: place.host }
}

/** Synchronous, so that there is no instant in which a process runs and nobody knows it. */
export function writeRecord(file: string, record: ProcessRecord): void {
  const text = JSON.stringify(record)
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const staged = `${file}.new`
    writeFileSync(staged, text, { mode: 0o600 })
    renameSync(staged, file)
    keepReserve(file)
  } catch (error) {
    // On a full disk only what has its space already can be written; without a record nobody could adopt the process.
    if (!writeInReserve(file, text)) throw error
  }
}

const reserveBytes = 4096
const reserveOf = (file: string): string => `${file}.reserve`

function keepReserve(file: string): void {
  const reserve = reserveOf(file)
  try {
    if (statSync(reserve, { throwIfNoEntry: false })?.size === reserveBytes) return
    writeFileSync(reserve, ' '.repeat(reserveBytes), { mode: 0o600 })
  } catch {
    // It is tried again with the next record.
  }
}

/** Into a file of blanks that is there, or a record that was written so: JSON may end in blanks. */
function writeInReserve(file: string, text: string): boolean {
  if (Buffer.byteLength(text) > reserveBytes) return false
  const places = [reserveOf(file), file]
  const place = places.find(path => statSync(path, { throwIfNoEntry: false })?.size === reserveBytes)
  if (place === undefined) return false
  try {
    const handle = openSync(place, 'r+')
    try {
      const padded = text + ' '.repeat(reserveBytes - Buffer.byteLength(text))
      writeSync(handle, padded, 0)
    } finally {
      closeSync(handle)
    }
    if (place !== file) renameSync(place, file)
    return true
  } catch {
    return false
  }
}

export function forgetRecord(file: string): void {
  rmSync(file, { force: true })
}

/** The record, or undefined; one that cannot be understood is set aside and reported. */
export async function readRecord(
  file: string,
  report: (what: SetAside) => void,
): Promise<ProcessRecord | undefined> {
  return readJsonFile(file, schema, { now: Date.now, report })
}
