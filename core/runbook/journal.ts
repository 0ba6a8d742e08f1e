import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { errorCode } from '../../lib/error-code.ts'
import { parseJson } from '../../lib/json.ts'
import { syncFolder } from '../../lib/sync-file.ts'

const at = v.number()
const failure = v.object({ code: v.string(), words: v.string(), detail: v.exactOptional(v.string()) })
const anyRecord = v.record(v.string(), v.unknown())
const part = v.object({
  id: v.string(),
  title: v.string(),
  state: v.picklist(['pending', 'working', 'passed', 'failed', 'skipped', 'unproven']),
  words: v.exactOptional(v.string()),
})
/** The parts of a step, as they were when it ended. */
const parts = v.exactOptional(v.array(part))
const stepSummary = v.object({
  id: v.string(),
  title: v.string(),
  why: v.string(),
  pointOfNoReturn: v.exactOptional(v.literal(true)),
})
/** What the history knows of a step. */
export type StepSummary = v.InferOutput<typeof stepSummary>

const entry = v.variant('kind', [
  /** The run begins; `memory` is what the runbook was made with. */
  v.object({
    kind: v.literal('begun'),
    at,
    run: v.string(),
    runbook: v.string(),
    title: v.string(),
    /** Who asked for it: "cli", "window", "dashboard". */
    by: v.exactOptional(v.string()),
    memory: anyRecord,
    /** The steps that it has, for who reads it later. */
    steps: v.exactOptional(v.array(stepSummary)),
  }),
  v.object({ kind: v.literal('skipped'), at, step: v.string() }),
  /** Written and synced before an apply; `applied` after it, with what it found out. */
  v.object({ kind: v.literal('applying'), at, step: v.string() }),
  v.object({
    kind: v.literal('applied'),
    at,
    step: v.string(),
    memory: anyRecord,
    words: v.exactOptional(v.string()),
    /** What the step was to prove and could not. */
    unproven: v.exactOptional(v.array(v.string())),
    parts,
  }),
  v.object({ kind: v.literal('failed'), at, step: v.string(), error: failure, parts }),
  v.object({ kind: v.literal('cancelled'), at }),
  v.object({ kind: v.literal('undoing'), at, step: v.string() }),
  /** `words`: what could not be taken back, and stays as it is. */
  v.object({ kind: v.literal('undone'), at, step: v.string(), words: v.exactOptional(v.string()) }),
  v.object({ kind: v.literal('undo-failed'), at, step: v.string(), error: failure }),
  /** The app was killed and a later life of it went on. */
  v.object({ kind: v.literal('resumed'), at }),
  v.object({
    kind: v.literal('ended'),
    at,
    result: v.picklist(['done', 'rolled-back', 'cancelled', 'failed']),
    error: v.exactOptional(failure),
    /** What of it nobody could prove. */
    unproven: v.exactOptional(v.array(v.string())),
    /** What is different now, in words. */
    changed: v.exactOptional(v.array(v.string())),
  }),
])
export type Entry = v.InferOutput<typeof entry>

/** One run's journal: JSON lines, each on disk before `add` resolves. */
export interface Journal {
  readonly entries: readonly Entry[]
  add(entry: Entry): Promise<void>
}

/** A line of it is no entry, so it says nothing reliable about its run. */
export class DamagedJournal extends Error {}

/** The journal is there and cannot be read: `message` is half a sentence. */
export class JournalUnreadable extends Error {}

/** It could not be written, or synced: nothing that it was to say may be counted on. */
export class JournalUnwritable extends Error {}

/**
 * Opens a journal, or begins an empty one. A last line that a kill tore apart was never acknowledged and is cut off;
 * any other line that cannot be understood makes the journal useless, and opening throws DamagedJournal with its number.
 * One that is there and cannot be read throws as the file system does: it is never taken for an empty one.
 */
export async function openJournal(file: string): Promise<Journal> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  })
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const entries = parse(whole, file)
  const handle = await open(file, 'a', 0o600)
  try {
    if (whole.length < text.length) await handle.truncate(Buffer.byteLength(whole))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncFolder(dirname(file))
  return {
    entries,
    async add(next) {
      try {
        await append(file, `${JSON.stringify(next)}\n`)
      } catch (error) {
        throw new JournalUnwritable(`${file} cannot be written`, { cause: error })
      }
      entries.push(next)
    },
  }
}

async function append(file: string, line: string): Promise<void> {
  const output = await open(file, 'a', 0o600)
  try {
    await output.appendFile(line)
    await output.sync()
  } finally {
    await output.close()
  }
}

/** The entries of a journal as they are, for reading only. Throws as `openJournal` does. */
export async function readEntries(file: string): Promise<Entry[]> {
  const text = await readFile(file, 'utf8')
  return parse(text.slice(0, text.lastIndexOf('\n') + 1), file)
}

function parse(text: string, file: string): Entry[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map((line, index) => {
      const read = v.safeParse(entry, parseJson(line))
      if (!read.success) throw new DamagedJournal(`${file}: line ${index + 1} is no entry of a journal`)
      return read.output
    })
}

/** A quit is like a kill for a run: what it would still write is never acknowledged, so it goes no further. */
export function whileOpen(
  journal: Journal,
  { isClosed, added }: { isClosed(): boolean; added(): void },
): Journal {
  return {
    entries: journal.entries,
    async add(entry) {
      if (isClosed()) return new Promise(() => {})
      await journal.add(entry)
      added()
    },
  }
}
