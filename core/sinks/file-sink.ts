import { lstat, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { writeInPlace } from '../platform/in-place.ts'
import type { Sink, SinkResult } from './sink.ts'
import { cancelled, done, refused } from './sink-result.ts'
import { checkFolder, lstatIfThere, openModeRefusal, unreadableProof } from './target-file.ts'

/** No key is that long. */
const maxBytes = 64 * 1024

/**
 * A file that holds the key and nothing else, not even a newline. A new one is 0600; one that is there is written in
 * place and keeps its mode and owner. A link in its place is refused, as it could lead anywhere.
 */
export function fileSink(id: string, path: string): Sink {
  const unusable = (reason: string) =>
    refused('sink-unusable', `The key cannot be written to ${path}: ${reason}.`)

  async function reach(signal: AbortSignal): Promise<SinkResult> {
    if (signal.aborted) return cancelled
    try {
      const file = await lstatIfThere(path)
      if (file?.isSymbolicLink()) return unusable('it is a link, and is not followed')
      if (file?.isDirectory()) return unusable('it is a folder')
      if (file && !file.isFile()) return unusable('it is not a file')
      if (file && file.nlink > 1)
        return unusable('it has another name (a hard link), and would change there too')
      const open = file && openModeRefusal(path, file)
      if (open !== undefined) return unusable(open)
      return await checkFolder(dirname(path), unusable)
    } catch (error) {
      return unusable(reasonOf(error))
    }
  }

  return {
    id,
    kind: 'file',
    describe: () => ({ title: 'File', place: path, provable: true }),
    reach,
    async deliver({ key }, signal) {
      const reached = await reach(signal)
      if (!reached.ok) return reached
      try {
        if (await lstatIfThere(path)) await writeInPlace(path, key, { filler: '' })
        else await writeAtomic(path, key)
        return done
      } catch (error) {
        return unusable(reasonOf(error))
      }
    },
    async prove({ key }) {
      try {
        const file = await lstat(path)
        if (!file.isFile()) return { holds: 'another', words: 'something that is no file' }
        if (file.size > maxBytes) return { holds: 'another', words: 'something else' }
        const text = await readFile(path, 'utf8')
        if (text === key) return { holds: 'this' }
        return { holds: 'another', words: text === '' ? 'an empty file' : 'something else' }
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return { holds: 'another', words: 'nothing' }
        return unreadableProof(path, error)
      }
    },
  }
}
