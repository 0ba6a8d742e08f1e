import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'

/** What Zotbar 0.1.0 left behind: see its README.md. */
const folder = join(import.meta.dirname, '..', 'fixtures', 'home-0.1.0')

type Content = string | { link: string } | { gzip: string } | { program: string }
type Tree = Record<string, Content>

/** What was on the disk when a line of the journal had just been written; the first one whole, others as changes. */
interface State {
  line: string
  put?: Tree
  add?: Record<string, string>
  gone?: string[]
}

export type Recording =
  | 'upgrade-forward'
  | 'upgrade-back'
  | 'switch-forward'
  | 'switch-back'
  | 'rotate-forward'
  | 'rotate-back'
  | 'retire'

const read = <T>(...path: string[]): T => JSON.parse(readFileSync(join(folder, ...path), 'utf8')) as T

const recordings = new Map<Recording, State[]>()
function statesOf(recording: Recording): State[] {
  const known = recordings.get(recording) ?? read<State[]>('runs', `${recording}.json`)
  recordings.set(recording, known)
  return known
}

/** The lines of a run's journal, in the order in which they were written. */
export const linesOf = (recording: Recording): string[] => statesOf(recording).map(({ line }) => line)

/** The files as they were at line number `at`. */
function treeAt(recording: Recording, at: number): Tree {
  const tree: Tree = {}
  for (const { put = {}, add = {}, gone = [] } of statesOf(recording).slice(0, at + 1)) {
    Object.assign(tree, put)
    for (const [name, text] of Object.entries(add)) tree[name] = `${tree[name]}${text}`
    for (const name of gone) delete tree[name]
  }
  return tree
}

/** What stands in the place of the names that the fixture has for a machine. */
export interface Machine {
  /** The user's home folder, in which all is laid; `home` in it is the app's. */
  folder: string
  port: number
  /** The programs by their versions. */
  programs?: Record<string, string>
  /** Puts a program at a path; without it that is a file with its version in it. */
  place?(program: string, path: string): void
  /** The process that the record of the registry names; without it, one that cannot be. */
  pid?: number
  startTime?: number
  node?: string
  /** Moves all times, so that what was to last at the recording still does, ms. */
  shiftMs?: number
}

/** The text that stands in for a program where nothing runs it. */
export const programText = (version: string): string => `the program of ${version}\n`

function fillIn(machine: Machine): (text: string) => string {
  const {
    port,
    programs = {},
    pid = 2 ** 22 + 1,
    startTime = 1,
    node = process.execPath,
    shiftMs = 0,
  } = machine
  return text =>
    moved(text, shiftMs)
      .replaceAll('@HOME@', machine.folder)
      .replaceAll('@NODE@', node)
      .replaceAll('@PORT@', String(port))
      .replaceAll('@PID@', String(pid))
      .replaceAll('@STARTED@', String(startTime))
      .replaceAll('@ADMIN@', () => passwordFile(machine.folder))
      .replaceAll(/@SHA256-(v[\d.]+)@/g, (_, version: string) => factsOf(version, programs[version]).sha256)
      .replaceAll(/@BYTES-(v[\d.]+)@/g, (_, version: string) =>
        String(factsOf(version, programs[version]).bytes),
      )
}

/** 0.1.0 names the file with the password of the first account by where the htpasswd file lies. */
const passwordFile = (folder: string): string =>
  createHash('sha256')
    .update(`admin in ${join(folder, '.config/zot/htpasswd')}`)
    .digest('hex')
    .slice(0, 32)

const facts = new Map<string, { sha256: string; bytes: number }>()
/** A program may have 120 MB, so each is read once. */
function factsOf(version: string, file: string | undefined): { sha256: string; bytes: number } {
  const key = file ?? version
  const known = facts.get(key)
  if (known) return known
  const bytes = file === undefined ? Buffer.from(programText(version)) : readFileSync(file)
  const found = { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
  facts.set(key, found)
  return found
}

/** Times in all the forms that the app writes. */
function moved(text: string, byMs: number): string {
  if (byMs === 0) return text
  const later = (time: string): string => new Date(Date.parse(time) + byMs).toISOString()
  return text
    .replaceAll(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, later)
    .replaceAll(/\b1\d{12}\b/g, ms => String(Number(ms) + byMs))
    .replaceAll(/\b(20\d\d)(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z/g, (_, ...parts: string[]) => {
      const [year, month, day, hour, minute, second, ms] = parts
      return later(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`).replace(/[-:.]/g, '')
    })
}

function lay(tree: Tree, machine: Machine): void {
  const fill = fillIn(machine)
  for (const [name, content] of Object.entries(tree)) {
    const path = join(machine.folder, fill(name))
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    if (typeof content === 'string') writeFileSync(path, fill(content), { mode: 0o600 })
    else if ('link' in content) symlinkSync(fill(content.link), path)
    else if ('gzip' in content) {
      writeFileSync(path, gunzipSync(Buffer.from(content.gzip, 'base64')), { mode: 0o600 })
      if (name.endsWith('access.db')) moveKeys(path, machine.shiftMs ?? 0)
    } else if (machine.place) machine.place(content.program, path)
    else writeFileSync(path, programText(content.program), { mode: 0o700 })
  }
}

/** The registry's own keys end later too. */
function moveKeys(path: string, byMs: number): void {
  if (byMs === 0) return
  const database = new DatabaseSync(path)
  database
    .prepare(
      'UPDATE api_keys SET created_at = created_at + ?, expires_at = expires_at + ? WHERE expires_at > 0',
    )
    .run(byMs, byMs)
  database.close()
}

/** The home as it was when the run was interrupted behind line number `at`. */
export const layRun = (recording: Recording, at: number, machine: Machine): void =>
  lay(treeAt(recording, at), machine)

/** Every file of that instant by its path below the folder, as `filesIn` finds them after `layRun`. */
export function filesAt(recording: Recording, at: number, machine: Machine): Record<string, string> {
  const fill = fillIn(machine)
  const shown = (content: Content): string => {
    if (typeof content === 'string') return fill(content)
    if ('link' in content) return `-> ${fill(content.link)}`
    return 'gzip' in content ? content.gzip : programText(content.program)
  }
  return Object.fromEntries(
    Object.entries(treeAt(recording, at)).map(([name, content]) => [fill(name), shown(content)]),
  )
}

/** When the newest line of the journal was written, ms since the epoch. */
export function timeOf(recording: Recording, at: number): number {
  const journal = Object.entries(treeAt(recording, at)).findLast(
    ([name]) => name.endsWith('.jsonl') && name.includes('/runbooks/'),
  )
  const newest = String(journal?.[1]).trim().split('\n').at(-1) ?? ''
  return Number(/"at":(\d+)/.exec(newest)?.[1])
}

const home = (): Tree => read<State[]>('home.json')[0]?.put ?? {}

/** A home that was used for everything; `answersOf` is what 0.1.0 answered about it. */
export const layHome = (machine: Machine): void => lay(home(), machine)

/** One file of it alone. */
export const layOfHome = (name: string, machine: Machine): void =>
  lay(Object.fromEntries(Object.entries(home()).filter(([path]) => path === name)), machine)

const answersText = (): string => readFileSync(join(folder, 'answers.json'), 'utf8')

export const answersOf = <T>(machine: Machine): T => JSON.parse(fillIn(machine)(answersText())) as T

/** The port that it had: its encrypted file finds keys by the address of their registry. */
export const portOfHome = (): number => Number(/"port": (\d+)/.exec(answersText())?.[1])

export type StoreKind = 'keychain' | 'encrypted-file' | 'plain-file'

/** A home that keeps its secrets so; answers what the keychain holds, by "service account". */
export function layStore(kind: StoreKind, into: string): Record<string, string> {
  const [state] = read<(State & { items: Record<string, string> })[]>('stores', `${kind}.json`)
  lay(state?.put ?? {}, { folder: into, port: 0 })
  return state?.items ?? {}
}

/** A user's home folder with the login agent in it. */
export const layLoginAgent = (name: 'usual' | 'other-home', into: string): void =>
  lay(read<State[]>('login', `${name}.json`)[0]?.put ?? {}, { folder: into, port: 0 })

/** Every file below a folder by its path, a link as where it leads. */
export function filesIn(
  root: string,
  folder = root,
  found: Record<string, string> = {},
): Record<string, string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) filesIn(root, path, found)
    else if (entry.isSymbolicLink()) found[relative(root, path)] = `-> ${readlinkSync(path)}`
    else if (entry.isFile()) found[relative(root, path)] = readFileSync(path, 'utf8')
  }
  return found
}
