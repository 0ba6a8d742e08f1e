import { unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { trySyncFolder } from '../../lib/sync-file.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { familySchema, type SessionFamily } from './session-family.ts'

/** What `sessions.json` holds: no token, only digests of them. */
interface StoredSessions {
  /** The port whose pages hold the tokens: what another port's pages stored, those of this one cannot read. */
  port: number | undefined
  families: SessionFamily[]
}

/** Where the sessions survive a restart of the core. */
export interface SessionFile {
  file: string
  read(): Promise<StoredSessions>
  /** Durable when it resolves with undefined; else why it could not be written, half a sentence. */
  write(stored: StoredSessions): Promise<string | undefined>
  /** No session is left in the file when it resolves with undefined. */
  clear(): Promise<string | undefined>
}

const schema = v.object({
  format: v.literal(1),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
  families: v.pipe(v.array(familySchema), v.maxLength(1_000)),
})

interface Options {
  home: string
  now(): number
  /** Called when the file could not be understood and was moved aside. */
  report(setAside: SetAside): void
  log(message: string, data: Record<string, unknown>): void
}

/** `sessions.json` of a home. A file that cannot be read means no sessions: whoever had one asks for a link. */
export function sessionFile({ home, now, report, log }: Options): SessionFile {
  const file = join(home, 'sessions.json')
  /** One after the other: each writes the whole file. */
  const queue = serialQueue()

  async function write({ port, families }: StoredSessions): Promise<string | undefined> {
    try {
      await writeJsonFile(file, { format: 1, ...(port === undefined ? {} : { port }), families })
      return undefined
    } catch (error) {
      return reasonOf(error)
    }
  }

  return {
    file,
    async read() {
      try {
        const stored = await readJsonFile(file, schema, { now, report })
        return { port: stored?.port, families: stored?.families ?? [] }
      } catch (error) {
        log('the sessions of the dashboard cannot be read', { file, reason: reasonOf(error) })
        return { port: undefined, families: [] }
      }
    },
    write: stored => queue.run(() => write(stored)),
    clear: () =>
      queue.run(async () => {
        try {
          // Also possible where the volume is full.
          await unlink(file)
          await trySyncFolder(dirname(file))
          return undefined
        } catch (error) {
          return errorCode(error) === 'ENOENT' ? undefined : reasonOf(error)
        }
      }),
  }
}
