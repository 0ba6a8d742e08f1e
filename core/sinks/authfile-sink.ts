import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { isObject } from '../../lib/json.ts'
import { writeInPlace } from '../platform/in-place.ts'
import type { Sink, SinkResult } from './sink.ts'
import { base64, cancelled, done, refused } from './sink-result.ts'
import { checkFolder, lstatIfThere, openModeRefusal, unreadableProof } from './target-file.ts'

/** What stands in an auth.json for one host; or why nothing can be made of it. */
type AuthFile = { kind: 'file'; all: Record<string, unknown>; indent: string } | { kind: 'bad'; why: string }

/** The form that docker and podman share: https://man.archlinux.org/man/containers-auth.json.5 */
function parseAuthFile(text: string): AuthFile {
  if (text.trim() === '') return { kind: 'file', all: {}, indent: '\t' }
  let all: unknown
  try {
    all = JSON.parse(text)
  } catch {
    return { kind: 'bad', why: 'it is not JSON' }
  }
  if (!isObject(all)) return { kind: 'bad', why: 'it is not a JSON object' }
  if (all['auths'] !== undefined && !isObject(all['auths']))
    return { kind: 'bad', why: '"auths" is not an object' }
  return { kind: 'file', all, indent: /^[{[]\r?\n([ \t]+)/.exec(text.trimStart())?.[1] ?? '\t' }
}

/** The credential helper that docker asks instead of the file, if there is one. */
function credentialHelperOf(all: Record<string, unknown>, host: string): string | undefined {
  const { credHelpers, credsStore } = all
  const ofHost = isObject(credHelpers) ? credHelpers[host] : undefined
  return [ofHost, credsStore].find(name => typeof name === 'string' && name !== '') as string | undefined
}

/** The entry of a host: "user:key" in base64, and no token that would be preferred to it. */
const authOf = (user: string, key: string): string => base64(`${user}:${key}`)

/** The entry of a host in the file. */
function entryOf(all: Record<string, unknown>, host: string): Record<string, unknown> | undefined {
  const auths = all['auths']
  const entry = isObject(auths) && Object.hasOwn(auths, host) ? auths[host] : undefined
  return isObject(entry) ? entry : undefined
}

/** The text of the file with the entry of one host replaced; everything else stays, in its order. */
function withEntry(
  { all, indent }: { all: Record<string, unknown>; indent: string },
  host: string,
  auth: string,
): string {
  const before = isObject(all['auths']) ? all['auths'] : {}
  const auths = Object.fromEntries([
    ...Object.entries(before).filter(([name]) => name !== host),
    [host, { auth }],
  ])
  const entries = Object.entries(all)
  const next = Object.hasOwn(all, 'auths')
    ? entries.map(([name, value]) => [name, name === 'auths' ? auths : value] as const)
    : [...entries, ['auths', auths] as const]
  return `${JSON.stringify(Object.fromEntries(next), null, indent)}\n`
}

type FileState =
  /** `path`: the real path, links followed. `open`: why no key may be written into it, where that is so. */
  | {
      ok: true
      path: string
      isNew: boolean
      open?: string | undefined
      all: Record<string, unknown>
      indent: string
    }
  | { ok: false; reason: string }

const maxBytes = 4 * 1024 * 1024

/**
 * docker's config.json or podman's auth.json: the entry of the registry is replaced, everything else stays, mode, owner
 * and links included. A link is followed to a file of one's own, because people keep this one among their dotfiles. A file that is not understood is
 * refused.
 */
export function authfileSink(id: string, path: string): Sink {
  const unusable = (reason: string) =>
    refused('sink-unusable', `The key cannot be written to ${path}: ${reason}.`)

  async function readState(): Promise<FileState> {
    try {
      const link = await lstatIfThere(path)
      if (!link) return { ok: true, path, isNew: true, all: {}, indent: '\t' }
      const resolved = await realpath(path)
      const file = await stat(resolved)
      if (!file.isFile())
        return { ok: false, reason: file.isDirectory() ? 'it is a folder' : 'it is not a file' }
      const self = process.geteuid?.()
      if (self !== undefined && file.uid !== self) return { ok: false, reason: 'it belongs to another user' }
      if (file.size > maxBytes) return { ok: false, reason: 'it is larger than 4 MB' }
      const read = parseAuthFile(await readFile(resolved, 'utf8'))
      if (read.kind === 'bad') return { ok: false, reason: `${read.why}, and was left as it is` }
      return {
        ok: true,
        path: resolved,
        isNew: false,
        open: openModeRefusal(path, file),
        all: read.all,
        indent: read.indent,
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return { ok: false, reason: 'it is a link to nothing' }
      return { ok: false, reason: reasonOf(error) }
    }
  }

  async function reach(signal: AbortSignal): Promise<SinkResult> {
    if (signal.aborted) return cancelled
    const state = await readState()
    if (!state.ok) return unusable(state.reason)
    // The one of all hosts; which host it will be is not known yet.
    const helper = credentialHelperOf(state.all, '')
    if (helper !== undefined) return unusable(helperRefusal(helper, 'every host'))
    return state.open === undefined ? checkFolder(dirname(state.path), unusable) : unusable(state.open)
  }

  return {
    id,
    kind: 'authfile',
    describe: () => ({ title: 'docker or podman sign-in file', place: path, provable: true }),
    reach,
    async deliver({ user, key, registryHost }, signal) {
      const reached = await reach(signal)
      if (!reached.ok) return reached
      const state = await readState()
      if (!state.ok) return unusable(state.reason)
      const helper = credentialHelperOf(state.all, registryHost)
      if (helper !== undefined) return unusable(helperRefusal(helper, registryHost))
      if (state.open !== undefined) return unusable(state.open)
      try {
        const text = withEntry(state, registryHost, authOf(user, key))
        if (state.isNew) await writeAtomic(state.path, text)
        else await writeInPlace(state.path, text, { filler: '\n' })
        return done
      } catch (error) {
        return unusable(reasonOf(error))
      }
    },
    async prove({ user, key, registryHost }) {
      const state = await readState()
      if (!state.ok) return unreadableProof(path, new Error(state.reason))
      const helper = credentialHelperOf(state.all, registryHost)
      if (helper !== undefined)
        return { holds: 'another', words: `a helper, "${helper}", that is asked instead of the file` }
      const entry = entryOf(state.all, registryHost)
      if (!entry) return { holds: 'another', words: `nothing for ${registryHost}` }
      if (entry['identitytoken']) return { holds: 'another', words: 'a token of another sign-in' }
      return entry['auth'] === authOf(user, key)
        ? { holds: 'this' }
        : { holds: 'another', words: 'another key' }
    },
  }
}

const helperRefusal = (helper: string, host: string): string =>
  `the helper "${helper}" keeps the credential of ${host}, so an entry would not be read; ` +
  'take that line out, or sign in with a command: docker login --password-stdin'
