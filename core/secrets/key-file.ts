import { constants, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'

/** From a good source that is enough; from a bad one no length is. */
const fewestBytes = 8
const mostBytes = 64 * 1024

/** The content of the file that unlocks the encrypted store. Refused where others could put another one in its place. */
export async function readKeyFile(file: string): Promise<Result<Buffer>> {
  const refuse = (reason: string) => fail({ code: 'key-file-unusable', file, reason })
  try {
    // Without waiting for whoever writes into a pipe.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const found = await handle.stat()
      if (!found.isFile()) return refuse('it is not a file')
      if ((found.mode & 0o022) !== 0)
        return refuse(`other users may write to it (mode ${octal(found.mode)}); do this: chmod 600 FILE`)
      if (found.size === 0) return refuse('it is empty')
      if (found.size < fewestBytes)
        return refuse(`it has ${found.size} bytes, and needs ${fewestBytes} at least`)
      if (found.size > mostBytes) return refuse('it is larger than 64 kB')
      return ok(await handle.readFile())
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    return refuse(reasonOf(error))
  }
}

/**
 * Whether other users may read it too, as with a secret that a container or a service manager hands over. It is used,
 * and told wherever the place of the keys is named.
 */
export function isOpenToOthers(file: string): boolean {
  try {
    return (statSync(file).mode & 0o044) !== 0
  } catch {
    return false
  }
}

const octal = (mode: number): string => `0${(mode & 0o777).toString(8).padStart(3, '0')}`
