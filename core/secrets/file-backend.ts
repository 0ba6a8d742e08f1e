import { chmod, mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { parseJson } from '../../lib/json.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import type { BackendKind, SecretBackend } from './secret-backend.ts'

/** Turns all secrets into the text of a file, and back. */
interface Coding {
  encode(plain: string): Promise<Result<string>>
  decode(text: string): Promise<Result<string>>
  /** Whether a secret could be encoded now. */
  probe(): Promise<Result<null>>
}

interface Options {
  kind: BackendKind
  file: string
  coding: Coding
  describe(): string
  /** Secrets were written into it before, so without the file something is wrong. */
  expected(): boolean
}

const schema = v.record(v.string(), v.string())

/** All secrets in one file, 0600 and replaced whole. A file that cannot be understood is never written over. */
export function fileBackend({ kind, file, coding, describe, expected }: Options): SecretBackend {
  /** One change after the other: each writes the whole file. */
  const queue = serialQueue()

  async function load(): Promise<Result<Record<string, string>>> {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if (errorCode(error) !== 'ENOENT')
        return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
      if (expected()) return fail({ code: 'secret-store-damaged', file, reason: 'it is gone' })
      return ok({})
    }
    const plain = await coding.decode(text)
    if (!plain.ok) return plain
    const read = v.safeParse(schema, parseJson(plain.value))
    return read.success
      ? ok(read.output)
      : fail({ code: 'secret-store-damaged', file, reason: 'it is not a list of secrets' })
  }

  async function save(all: Record<string, string>): Promise<Result<null>> {
    const plain = JSON.stringify(all)
    const text = await coding.encode(plain)
    if (!text.ok) return text
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await chmod(dirname(file), 0o700)
      await writeAtomic(file, text.value)
      const again = await coding.decode(await readFile(file, 'utf8'))
      if (again.ok && again.value === plain) return ok(null)
    } catch (error) {
      return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
    }
    return fail({ code: 'secret-not-kept', where: file })
  }

  function change(edit: (all: [string, string][]) => [string, string][]): Promise<Result<null>> {
    return queue.run(async () => {
      const all = await load()
      if (!all.ok) return all
      const next = edit(Object.entries(all.value))
      if (next.length > 0) return save(Object.fromEntries(next))
      try {
        await rm(file, { force: true })
        return ok(null)
      } catch (error) {
        return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
      }
    })
  }

  const without = (all: [string, string][], account: string) => all.filter(([name]) => name !== account)

  return {
    kind,
    describe,
    async probe() {
      const usable = await coding.probe()
      if (!usable.ok) return usable
      const all = await load()
      return all.ok ? ok(null) : all
    },
    async get(account) {
      await queue.idle()
      const all = await load()
      return all.ok ? ok(Object.hasOwn(all.value, account) ? all.value[account] : undefined) : all
    },
    set: (account, secret) => change(all => [...without(all, account), [account, secret]]),
    delete: account => change(all => without(all, account)),
  }
}
