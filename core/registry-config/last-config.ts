import { createHash, createHmac, randomBytes } from 'node:crypto'
import { lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { errorCode } from '../../lib/error-code.ts'
import { readConfigText } from '../../registry/config/load.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { configDiff } from './config-diff.ts'

const record = v.object({
  file: v.string(),
  text: v.string(),
  sha256: v.string(),
  mode: v.number(),
  at: v.number(),
  engine: v.picklist(['zotbar-registry', 'zot']),
})
type Record = v.InferOutput<typeof record>

/** The text that last started, and the one of now; undefined where the file is missing. */
export interface ComparedConfig extends Omit<Record, 'sha256'> {
  now: string | undefined
  /** What bringing it back would change, and a name for it that is another one for any other change; absent where nothing. */
  diff?: string
  id?: string
}

interface Options {
  home: string
  configFile: string
  now(): number
  report(setAside: SetAside): void
  log(message: string, data?: { [key: string]: unknown }): void
}

/** A process that became ready. `startedAt` in ms since the epoch. */
interface Ready {
  engine: Record['engine']
  adopted: boolean
  startedAt: number
}

/** `last-config.json` of a home: the config.json with which the registry last became ready. It may hold secrets: 0600. */
export interface LastConfigStore {
  /** The registry is started with the file as it is now: to be waited for before that. Never rejects. */
  begins(): Promise<void>
  /** It is ready: the file is kept, if it is still the one that it was started with. */
  ready(process: Ready): Promise<void>
  /** Undefined where none is kept, or only one of another file or engine. */
  compare(engine: Record['engine']): Promise<ComparedConfig | undefined>
}

export function createLastConfigStore({ home, configFile, now, report, log }: Options): LastConfigStore {
  const path = join(home, 'last-config.json')
  let begun: string | undefined
  /** Without it nobody could try out what a hidden secret is. */
  const secret = randomBytes(32)

  const kept = (): Promise<Record | undefined> =>
    readJsonFile(path, record, { now, report }).catch((error: unknown) => {
      log('last-config.json cannot be read', { error: String(error) })
      return undefined
    })

  /** Whether a process read this text when it started. */
  async function wasReadBy({ adopted, startedAt }: Ready, text: string): Promise<boolean> {
    return adopted ? (await changedAt(configFile)) < startedAt : begun === text
  }

  async function keep(process: Ready): Promise<void> {
    const text = await textOf(configFile)
    if (text === undefined || !(await wasReadBy(process, text))) return
    const { engine } = process
    const sha256 = createHash('sha256').update(text).digest('hex')
    const before = await kept()
    if (before?.file === configFile && before.sha256 === sha256 && before.engine === engine) return
    const mode = (await stat(configFile)).mode & 0o777
    await writeJsonFile(path, { file: configFile, text, sha256, mode, at: now(), engine })
  }

  return {
    async begins() {
      begun = await textOf(configFile)
    },
    async ready(process) {
      try {
        await keep(process)
      } catch (error) {
        log('the config that started cannot be kept', { error: String(error) })
      }
    },
    async compare(engine) {
      const last = await kept()
      if (last === undefined || last.file !== configFile || last.engine !== engine) return undefined
      const text = await textOf(configFile)
      if (text === undefined && !(await isMissing(configFile))) return undefined
      const { sha256: _, ...rest } = last
      if (text === last.text) return { ...rest, now: text }
      const diff = configDiff(
        { name: `${configFile} now`, text: text ?? '' },
        { name: `${configFile} as it last started`, text: last.text },
      )
      return { ...rest, now: text, diff, id: changeId(secret, text, last.text) }
    },
  }
}

const changeId = (secret: Buffer, from: string | undefined, to: string): string =>
  createHmac('sha256', secret)
    .update(JSON.stringify([from, to]))
    .digest('hex')

/** Undefined for what cannot be read, or is no text that could be written back as it was. */
async function textOf(file: string): Promise<string | undefined> {
  const read = await readConfigText(file)
  return read.ok ? read.text : undefined
}

const isMissing = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => false,
    (error: unknown) => errorCode(error) === 'ENOENT',
  )

/** When the text that a name leads to may have changed last, or the link: whichever is later. */
async function changedAt(file: string): Promise<number> {
  const [found, name] = await Promise.all([stat(file), lstat(file)])
  return Math.max(found.ctimeMs, name.ctimeMs)
}
