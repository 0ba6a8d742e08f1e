import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { readText, type Web } from '../platform/web.ts'
import { type AdvisorySet, advisorySetSchema } from './advisory-schema.ts'

/** Advisories beside the shipped ones. `url` is where they came from, `at` when, in ms since the epoch. */
interface FetchedAdvisories {
  url: string
  at: number
  facts: AdvisorySet
}

const storedSchema = v.object({ url: v.string(), at: v.number(), facts: advisorySetSchema })

interface Options {
  home: string
  web: Web
  now(): number
  /** The setting `advice.url`; empty: none. */
  url(): string
  report(setAside: SetAside): void
}

export interface AdvisoryStore {
  /** What was fetched last from the address that is set now. */
  stored(): Promise<FetchedAdvisories | undefined>
  /**
   * Fetches them anew; undefined where no address is set. What was there stays when that fails. Errors: those of
   * `Web.get`, web-too-large, advice-not-understood, file-unusable.
   */
  fetch(signal?: AbortSignal): Promise<Result<FetchedAdvisories | undefined>>
}

const maxBytes = 1024 * 1024
const timeoutMs = 20_000

/** Advisories that are newer than those of this Zotbar: stored in `home`, fetched only when asked for. */
export function openAdvisoryStore({ home, web, now, url, report }: Options): AdvisoryStore {
  const file = join(home, 'cache', 'advice.json')
  return {
    async stored() {
      const stored = await readJsonFile(file, storedSchema, { now, report }).catch(() => undefined)
      return stored?.url === url() && stored.url !== '' ? stored : undefined
    },
    async fetch(signal) {
      const from = url()
      if (from === '') return ok(undefined)
      const limit = AbortSignal.timeout(timeoutMs)
      const deadline = signal === undefined ? limit : AbortSignal.any([signal, limit])
      const response = await web.get(from, { headers: { accept: 'application/json' }, signal: deadline })
      if (!response.ok) return response
      const { status, body } = response.value
      if (status !== 200) {
        body.on('error', () => {}).destroy()
        return fail({ code: 'advice-not-understood', url: from, reason: `it answers ${status}` })
      }
      const text = await readText(web, response.value, maxBytes, deadline)
      if (!text.ok) return text
      const read = parseAdvisories(text.value)
      if (typeof read === 'string') return fail({ code: 'advice-not-understood', url: from, reason: read })
      const more = { url: from, at: now(), facts: read }
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        await writeJsonFile(file, more)
      } catch (error) {
        return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
      }
      return ok(more)
    },
  }
}

/** What is wrong as half a sentence, or the advisories. */
function parseAdvisories(text: string): AdvisorySet | string {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    return 'it is no JSON'
  }
  const read = v.safeParse(advisorySetSchema, data)
  if (read.success) return read.output
  const [issue] = read.issues
  return `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message.slice(0, 200)}`
}
