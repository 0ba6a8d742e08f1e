import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  authFileFaultMessage,
  authFileHelperMessage,
  authFileContents as holds,
  type NarrowerEntry,
  narrowerEntriesMessage,
} from '../../contract/messages/auth-file-message.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { isObject } from '../../lib/json.ts'
import { writeInPlace } from '../platform/in-place.ts'
import {
  type AuthFile,
  authOf,
  credentialHelperOf,
  emptyAuthFile,
  entriesOf,
  narrowerEntries,
  parseAuthFile,
  withKey,
} from './auth-file.ts'
import type { Sink, SinkProof, SinkResult, SinkSecret } from './sink.ts'
import { cancelled, done, refused } from './sink-result.ts'
import { checkFolder, lstatIfThere, openModeRefusal, unreadableProof } from './target-file.ts'

type FileState =
  /** `path`: the real path, links followed. `open`: why no key may be written into it, where that is so. */
  | { ok: true; path: string; isNew: boolean; open?: string | undefined; file: AuthFile }
  | { ok: false; reason: string }

const maxBytes = 4 * 1024 * 1024

/**
 * docker's config.json or podman's auth.json: the entry of the registry is replaced, and those for parts of it that are
 * of the same user. Everything else stays, mode, owner and links included. A link is followed to a file of one's own,
 * because people keep this one among their dotfiles. A file that its readers do not understand is refused.
 */
export function authfileSink(id: string, path: string): Sink {
  const unusable = (reason: string) =>
    refused('sink-unusable', `The key cannot be written to ${path}: ${reason}.`)

  async function readState(): Promise<FileState> {
    try {
      const link = await lstatIfThere(path)
      if (!link) return { ok: true, path, isNew: true, file: emptyAuthFile }
      const resolved = await realpath(path)
      const stats = await stat(resolved)
      if (!stats.isFile())
        return { ok: false, reason: stats.isDirectory() ? 'it is a folder' : 'it is not a file' }
      const self = process.geteuid?.()
      if (self !== undefined && stats.uid !== self) return { ok: false, reason: 'it belongs to another user' }
      if (stats.size > maxBytes) return { ok: false, reason: 'it is larger than 4 MB' }
      const read = parseAuthFile(await readFile(resolved, 'utf8'))
      if (!read.ok) return { ok: false, reason: authFileFaultMessage(read.fault) }
      return { ok: true, path: resolved, isNew: false, open: openModeRefusal(path, stats), file: read.file }
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
    const helper = credentialHelperOf(state.file, '')
    if (helper !== undefined) return unusable(authFileHelperMessage(helper, 'every host'))
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
      const helper = credentialHelperOf(state.file, registryHost)
      if (helper !== undefined) return unusable(authFileHelperMessage(helper, registryHost))
      if (state.open !== undefined) return unusable(state.open)
      try {
        const text = withKey(state.file, registryHost, { user, key })
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
      const helper = credentialHelperOf(state.file, registryHost)
      if (helper !== undefined) return { holds: 'another', words: holds.helper(helper) }
      if (state.file.hasMark) return { holds: 'another', words: holds.byteOrderMark }
      return provenBy(state.file, { user, key, registryHost })
    },
  }
}

/** What readers of the file send to the registry, and for parts of it. */
function provenBy(file: AuthFile, { user, key, registryHost }: SinkSecret): SinkProof {
  const auth = authOf(user, key)
  const entries = entriesOf(file, registryHost)
  if (entries.length === 0) return { holds: 'another', words: holds.nothing(registryHost) }
  for (const entry of entries) {
    if (isObject(entry) && entry['identitytoken']) return { holds: 'another', words: holds.token }
    if (!isObject(entry) || !entry['auth']) return { holds: 'another', words: holds.emptyEntry(registryHost) }
    if (entry['auth'] !== auth) return { holds: 'another', words: holds.another }
  }
  const others: NarrowerEntry[] = []
  for (const { name, user: named, entry } of narrowerEntries(file, registryHost)) {
    const holdsThis = isObject(entry) && entry['auth'] === auth && !entry['identitytoken']
    if (named === user && !holdsThis) return { holds: 'another', words: holds.anotherFor(name) }
    if (named !== user) others.push({ name, user: named })
  }
  return others.length === 0 ? { holds: 'this' } : { holds: 'this', words: narrowerEntriesMessage(others) }
}
