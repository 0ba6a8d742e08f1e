import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { writeInPlace } from '../platform/in-place.ts'
import { authOf, entryOf, helperOf, parseAuthFile, withEntry } from './auth-file.ts'
import { lstatIfThere, openToOthers, reachFolder, unreadable } from './folder.ts'
import { cancelled, done, refused } from './outcome.ts'
import type { Sink, SinkResult } from './sink.ts'

type Found =
  /** `path`: where the file really is, behind links. */
  /** `open`: why no key may be put into it, where that is so. */
  | {
      ok: true
      path: string
      isNew: boolean
      open?: string | undefined
      all: Record<string, unknown>
      indent: string
    }
  | { ok: false; reason: string }

const mostBytes = 4 * 1024 * 1024

/**
 * docker's config.json or podman's auth.json: the entry of the registry is replaced, everything else stays, mode, owner
 * and links included. A link is followed to a file of one's own, because people keep this one among their dotfiles. A file that is not understood is
 * refused.
 */
export function authfileSink(id: string, path: string): Sink {
  const unusable = (reason: string) =>
    refused('sink-unusable', `The key cannot be written to ${path}: ${reason}.`)

  async function find(): Promise<Found> {
    try {
      const link = await lstatIfThere(path)
      if (!link) return { ok: true, path, isNew: true, all: {}, indent: '\t' }
      const real = await realpath(path)
      const found = await stat(real)
      if (!found.isFile())
        return { ok: false, reason: found.isDirectory() ? 'it is a folder' : 'it is not a file' }
      const self = process.geteuid?.()
      if (self !== undefined && found.uid !== self) return { ok: false, reason: 'it belongs to another user' }
      if (found.size > mostBytes) return { ok: false, reason: 'it is larger than 4 MB' }
      const read = parseAuthFile(await readFile(real, 'utf8'))
      if (read.kind === 'bad') return { ok: false, reason: `${read.why}, and was left as it is` }
      return {
        ok: true,
        path: real,
        isNew: false,
        open: openToOthers(path, found),
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
    const found = await find()
    if (!found.ok) return unusable(found.reason)
    // The one of all hosts; which host it will be is not known yet.
    const helper = helperOf(found.all, '')
    if (helper !== undefined) return unusable(helped(helper, 'every host'))
    return found.open === undefined ? reachFolder(dirname(found.path), unusable) : unusable(found.open)
  }

  return {
    id,
    kind: 'authfile',
    describe: () => ({ title: 'docker or podman sign-in file', place: path, provable: true }),
    reach,
    async deliver({ user, key, registryHost }, signal) {
      const reached = await reach(signal)
      if (!reached.ok) return reached
      const found = await find()
      if (!found.ok) return unusable(found.reason)
      const helper = helperOf(found.all, registryHost)
      if (helper !== undefined) return unusable(helped(helper, registryHost))
      if (found.open !== undefined) return unusable(found.open)
      try {
        const text = withEntry(found, registryHost, authOf(user, key))
        if (found.isNew) await writeAtomic(found.path, text)
        else await writeInPlace(found.path, text, { filler: '\n' })
        return done
      } catch (error) {
        return unusable(reasonOf(error))
      }
    },
    async prove({ user, key, registryHost }) {
      const found = await find()
      if (!found.ok) return unreadable(path, new Error(found.reason))
      const helper = helperOf(found.all, registryHost)
      if (helper !== undefined)
        return { holds: 'another', words: `a helper, "${helper}", that is asked instead of the file` }
      const entry = entryOf(found.all, registryHost)
      if (!entry) return { holds: 'another', words: `nothing for ${registryHost}` }
      if (entry['identitytoken']) return { holds: 'another', words: 'a token of another sign-in' }
      return entry['auth'] === authOf(user, key)
        ? { holds: 'this' }
        : { holds: 'another', words: 'another key' }
    },
  }
}

const helped = (helper: string, host: string): string =>
  `the helper "${helper}" keeps the credential of ${host}, so an entry would not be read; ` +
  'take that line out, or sign in with a command: docker login --password-stdin'
