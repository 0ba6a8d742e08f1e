import { mkdir, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import type { Cause, JournalEntry } from '../../contract/registry-state.ts'
import { errorCode } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { writeSynced } from '../../lib/sync-file.ts'
import { type SetAside, setAside } from '../platform/json-file.ts'

const count = v.pipe(v.number(), v.minValue(0))
const exit = v.variant('kind', [
  v.object({ kind: v.literal('code'), code: v.number() }),
  v.object({ kind: v.literal('signal'), signal: v.string() }),
  v.object({ kind: v.literal('unknown-adopted') }),
  v.object({ kind: v.literal('not-spawned'), reason: v.string() }),
])
/** The type demands every cause, because a line with an unknown one makes the journal count as damaged. */
const isCause: Record<Cause, true> = {
  'app-started': true,
  adopted: true,
  'asked-start': true,
  'asked-stop': true,
  'asked-restart': true,
  'app-quit': true,
  crashed: true,
  'ended-by-itself': true,
  hung: true,
  'data-lost': true,
  'start-failed': true,
  woke: true,
  retry: true,
}
const schema = v.object({
  id: v.string(),
  at: v.number(),
  cause: v.custom<Cause>(cause => typeof cause === 'string' && Object.hasOwn(isCause, cause)),
  exit: v.exactOptional(exit),
  ranForMs: v.exactOptional(count),
  downMs: v.exactOptional(count),
  pushesCut: v.exactOptional(count),
  cutRepositories: v.exactOptional(v.array(v.string())),
  lastLines: v.array(v.string()),
  lastWord: v.exactOptional(v.string()),
  pid: v.exactOptional(v.number()),
})

/** Why the registry restarted, retained within its limits. One JSON object a line; the newest of an id counts. */
export interface Journal {
  /** Newest first. */
  newest(): JournalEntry[]
  /** Adds an entry, or replaces the one with the same id. Resolves when it is durable; never rejects. */
  add(entry: JournalEntry): Promise<void>
  close(): Promise<void>
}

export interface JournalLimits {
  entries: number
  bytes: number
  /** How many clients see. */
  shown: number
}

export const standardJournalLimits: JournalLimits = { entries: 500, bytes: 256 * 1024, shown: 20 }

/**
 * Opens or creates the journal. A file with damaged lines is set aside and reported, and its other lines go into a new
 * one. A journal that the disk refuses to read is only appended to, one that it refuses to write stays in memory, and
 * `failed` is called. Never rejects.
 */
export async function openJournal(
  file: string,
  limits: JournalLimits,
  report: (setAside: SetAside) => void,
  failed: (reason: string) => void,
): Promise<Journal> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(error => failed(String(error)))
  const stored = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    failed(String(error))
    return undefined
  })
  const text = stored ?? ''
  const { entries, isDamaged } = parse(text)
  let lines = text === '' ? 0 : text.split('\n').length - 1
  let bytes = Buffer.byteLength(text)
  const queue = serialQueue()
  if (isDamaged)
    await setAside(file, { now: Date.now, report }).catch((error: unknown) => failed(String(error)))

  async function rewrite() {
    let retained = [...entries.values()].slice(-Math.floor(limits.entries / 2))
    let whole = retained.map(asLine)
    const size = () => whole.reduce((sum, line) => sum + Buffer.byteLength(line), 0)
    while (size() > limits.bytes / 2 && retained.length > 1) {
      retained = retained.slice(Math.ceil(retained.length / 8))
      whole = retained.map(asLine)
    }
    await writeSynced(`${file}.new`, whole.join(''), 'w')
    await rename(`${file}.new`, file)
    entries.clear()
    for (const entry of retained) entries.set(entry.id, entry)
    lines = retained.length
    bytes = size()
  }
  async function append(entry: JournalEntry) {
    const line = asLine(entry)
    await writeSynced(file, line, 'a')
    lines += 1
    bytes += Buffer.byteLength(line)
    // A file that could not be read is never replaced.
    if (stored !== undefined && (lines > limits.entries || bytes > limits.bytes)) await rewrite()
  }
  const queued = (job: () => Promise<void>) => queue.run(job).catch((error: unknown) => failed(String(error)))
  if (isDamaged || lines > limits.entries || bytes > limits.bytes) await queued(rewrite)
  return {
    newest: () => [...entries.values()].slice(-limits.shown).reverse(),
    add(entry) {
      entries.set(entry.id, entry)
      return queued(() => append(entry))
    },
    close: () => queue.idle(),
  }
}

const asLine = (entry: JournalEntry): string => `${JSON.stringify(entry)}\n`

/** By id, in order of first appearance. `isDamaged`: at least one line is no entry; a torn last line is none. */
function parse(text: string): { entries: Map<string, JournalEntry>; isDamaged: boolean } {
  const entries = new Map<string, JournalEntry>()
  let isDamaged = text !== '' && !text.endsWith('\n')
  for (const line of text.split('\n')) {
    if (line === '') continue
    try {
      const entry = v.parse(schema, JSON.parse(line))
      entries.set(entry.id, entry)
    } catch {
      isDamaged = true
    }
  }
  return { entries, isDamaged }
}
