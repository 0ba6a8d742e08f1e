import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import type { KeyOwner } from '../secrets/key-store.ts'

const sink = v.object({
  spec: v.string(),
  state: v.picklist(['proven', 'accepted', 'stale', 'unknown', 'failed']),
  /** The key that was delivered last, or was about to be. */
  handed: v.exactOptional(v.string()),
  at: v.exactOptional(v.string()),
  words: v.exactOptional(v.string()),
})
export type SinkRecord = v.InferOutput<typeof sink>

const retiring = v.object({
  uuid: v.string(),
  label: v.string(),
  /** When another key took its place, and when it is to be revoked. */
  since: v.string(),
  retireAt: v.string(),
  /** Why it was not revoked although its time has come. */
  words: v.exactOptional(v.string()),
})
export type Retiring = v.InferOutput<typeof retiring>

const record = v.object({
  registry: v.string(),
  user: v.string(),
  uuid: v.string(),
  label: v.string(),
  createdAt: v.string(),
  expirationDate: v.nullable(v.string()),
  kept: v.picklist(['keychain', 'encrypted-file', 'plain-file']),
  sinks: v.array(sink),
  proveRepository: v.exactOptional(v.string()),
  /** Newest first; the secret of the newest is stored until it is revoked. */
  retiring: v.array(retiring),
  /** The label of a key that is being created. Kept if the rollback could not revoke that key. */
  pending: v.exactOptional(v.string()),
  /** Why it does not work, by the last inspection. */
  trouble: v.exactOptional(v.string()),
})
export type KeyRecord = v.InferOutput<typeof record>

const file = v.object({ keys: v.array(record) })

/** The managed keys without their secrets: `keys.json` in the app's home. */
export interface KeyRecords {
  all(): readonly KeyRecord[]
  find(owner: KeyOwner): KeyRecord | undefined
  /** Adds it, or replaces the one of the same owner. */
  put(record: KeyRecord): Promise<Result<null>>
  /** Durable when it resolves. Nothing happens without a record of this owner. */
  update(owner: KeyOwner, change: (record: KeyRecord) => KeyRecord): Promise<Result<null>>
  remove(owner: KeyOwner): Promise<Result<null>>
}

const belongsTo =
  ({ registry, user }: KeyOwner) =>
  (record: KeyOwner): boolean =>
    record.registry === registry && record.user === user

interface Options {
  home: string
  now(): number
  report(setAside: SetAside): void
  onUnreadable?(reason: string): void
  onChange(): void
}

/**
 * An unreadable file stops nothing else: no key is known then, `onUnreadable` gets the reason, and the file is not
 * overwritten. It is read again before each change. Never rejects.
 */
export async function openKeyRecords(options: Options): Promise<KeyRecords> {
  const { home, now, report, onUnreadable = () => {}, onChange } = options
  const path = join(home, 'keys.json')
  let keys: KeyRecord[] = []
  let isRead = false
  const queue = serialQueue()

  async function readOnce(): Promise<string | undefined> {
    if (isRead) return undefined
    try {
      keys = (await readJsonFile(path, file, { now, report }))?.keys ?? []
      isRead = true
      return undefined
    } catch (error) {
      return reasonOf(error)
    }
  }

  function write(change: (keys: KeyRecord[]) => KeyRecord[]): Promise<Result<null>> {
    return queue.run(async (): Promise<Result<null>> => {
      const readError = await readOnce()
      if (readError !== undefined) return fail({ code: 'home-unusable', path, reason: readError })
      const next = change(keys)
      try {
        await writeJsonFile(path, { keys: next })
      } catch (error) {
        return fail({ code: 'home-unusable', path, reason: reasonOf(error) })
      }
      keys = next
      onChange()
      return ok(null)
    })
  }

  const readError = await readOnce()
  if (readError !== undefined) onUnreadable(`${path}: ${readError}`)
  return {
    all: () => keys,
    find: owner => keys.find(belongsTo(owner)),
    put: next => write(all => [...all.filter(record => !belongsTo(next)(record)), next]),
    update: (owner, change) =>
      write(all => all.map(record => (belongsTo(owner)(record) ? change(record) : record))),
    remove: owner => write(all => all.filter(record => !belongsTo(owner)(record))),
  }
}
