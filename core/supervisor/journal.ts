import { mkdir, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import type { Cause, JournalEntry } from '../../contract/registry-state.ts'
import { errorCode } from '../../lib/error-code.ts'
import { writeSynced } from '../../lib/sync-file.ts'
import { type SetAside, setAside } from '../platform/json-file.ts'
import { serialQueue } from '../platform/serial-queue.ts'

const count = v.pipe(v.number(), v.minValue(0))
const exit = v.variant('kind', [
  v.object({ kind: v.literal('code'), code: v.number() }),
  v.object({ kind: v.literal('signal'), signal: v.string() }),
  v.object({ kind: v.literal('unknown-adopted') }),
  v.object({ kind: v.literal('not-spawned'), reason: v.string() }),
])
/** Every cause, as the type check demands: one that is written and not read makes the whole journal count as damaged. */
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
  lastLines: v.array(v.string()),
  pid: v.exactOptional(v.number()),
})

/** "Why did it restart", kept for ever within its limits. One JSON object a line; the newest of an id counts. */
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
  /** How many are kept in memory. */
  shown: number
}

export const standardJournalLimits: JournalLimits = { entries: 500, bytes: 256 * 1024, shown: 20 }

/**
 * Opens or makes the journal. Lines that cannot be read are no reason to lose the others: the file is set aside as it
 * is, `report` says where, and what could be read goes on in a new one. `failed` hears of a disk that refuses: a journal
 * that cannot be read is only added to, and one that cannot be written is kept in memory. Never rejects.
 */
export async function openJournal(
  file: string,
  limits: JournalLimits,
  report: (what: SetAside) => void,
  failed: (reason: string) => void,
): Promise<Journal> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(error => failed(String(error)))
  const read = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    failed(String(error))
    return undefined
  })
  const text = read ?? ''
  const { entries, bad } = parse(text)
  let lines = text === '' ? 0 : text.split('\n').length - 1
  let bytes = Buffer.byteLength(text)
  const queue = serialQueue()
  if (bad) await setAside(file, { now: Date.now, report }).catch((error: unknown) => failed(String(error)))

  async function rewrite() {
    let kept = [...entries.values()].slice(-Math.floor(limits.entries / 2))
    let whole = kept.map(asLine)
    const size = () => whole.reduce((sum, line) => sum + Buffer.byteLength(line), 0)
    while (size() > limits.bytes / 2 && kept.length > 1) {
      kept = kept.slice(Math.ceil(kept.length / 8))
      whole = kept.map(asLine)
    }
    await writeSynced(`${file}.new`, whole.join(''), 'w')
    await rename(`${file}.new`, file)
    entries.clear()
    for (const entry of kept) entries.set(entry.id, entry)
    lines = kept.length
    bytes = size()
  }
  async function append(entry: JournalEntry) {
    const line = asLine(entry)
    await writeSynced(file, line, 'a')
    lines += 1
    bytes += Buffer.byteLength(line)
    // What could not be read is not replaced by what is known.
    if (read !== undefined && (lines > limits.entries || bytes > limits.bytes)) await rewrite()
  }
  const inTurn = (job: () => Promise<void>) => queue.run(job).catch((error: unknown) => failed(String(error)))
  if (bad || lines > limits.entries || bytes > limits.bytes) await inTurn(rewrite)
  return {
    newest: () => [...entries.values()].slice(-limits.shown).reverse(),
    add(entry) {
      entries.set(entry.id, entry)
      return inTurn(() => append(entry))
    },
    close: () => queue.idle(),
  }
}

const asLine = (entry: JournalEntry): string => `${JSON.stringify(entry)}\n`

/** By id, in order of first appearance. `bad`: at least one line is no entry, a torn last line included. */
function parse(text: string): { entries: Map<string, JournalEntry>; bad: boolean } {
  const entries = new Map<string, JournalEntry>()
  let bad = text !== '' && !text.endsWith('\n')
  for (const line of text.split('\n')) {
    if (line === '') continue
    try {
      const entry = v.parse(schema, JSON.parse(line))
      entries.set(entry.id, entry)
    } catch {
      bad = true
    }
  }
  return { entries, bad }
}
