import { randomBytes } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, parseJson } from '../../lib/json.ts'
import { stringIn } from '../oci/json.ts'
import { writeDurably } from './durable.ts'
import { isMissing } from './errno.ts'
import { layout } from './layout.ts'
import { errorText } from './root.ts'

/** `_zotbar/store.json`: which data folder this is, wherever it is mounted or copied to. */
interface StoreMarker {
  readonly format: 1
  /** 32 hex digits, drawn once. */
  readonly id: string
  /** RFC 3339. */
  readonly createdAt: string
}

export type OpenMarker =
  | { readonly ok: true; readonly marker: StoreMarker; readonly setAside: string | undefined }
  | { readonly ok: false; readonly message: string }

/** The format that this version reads and writes. */
const format = 1

const pathOf = (root: string): string => join(layout.ownFolder(root), 'store.json')

/**
 * Reads the marker of a locked data folder, or draws one and makes it durable (0600). One that is no marker is
 * moved aside, to where `setAside` says; one of a newer version, or that cannot be read, is left as it is.
 */
export async function openStoreMarker(root: string, now: () => number = Date.now): Promise<OpenMarker> {
  const path = pathOf(root)
  try {
    const text = await textOf(path)
    const read = text === undefined ? undefined : parseMarker(text)
    if (read === 'newer')
      return { ok: false, message: `${path} was written by a newer zotbar-registry: use that one` }
    if (read !== undefined) return { ok: true, marker: read, setAside: undefined }
    const setAside = text === undefined ? undefined : `${path}.damaged-${now()}`
    if (setAside !== undefined) await rename(path, setAside)
    const marker: StoreMarker = {
      format,
      id: randomBytes(16).toString('hex'),
      createdAt: new Date(now()).toISOString(),
    }
    await writeDurably(path, `${JSON.stringify(marker)}\n`, `${path}.${process.pid}.new`)
    return { ok: true, marker, setAside }
  } catch (error) {
    return { ok: false, message: `${path}: ${errorText(error)}` }
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function parseMarker(text: string): StoreMarker | 'newer' | undefined {
  const json = parseJson(text)
  if (!isObject(json)) return undefined
  const found = json['format']
  if (typeof found === 'number' && found > format) return 'newer'
  const id = stringIn(json, 'id') ?? ''
  const createdAt = stringIn(json, 'createdAt')
  if (found !== format || !/^[0-9a-f]{32}$/.test(id) || createdAt === undefined) return undefined
  return { format, id, createdAt }
}
