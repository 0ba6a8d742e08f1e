import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { fail, ok, type Result } from '../../preload/contract/result.ts'
import { errorCode, reasonOf } from '../platform/error-code.ts'

const fewestBytes = 16
const mostBytes = 64 * 1024

/** The content of the file that unlocks the encrypted store. Refused where others could read it too. */
export async function readKeyFile(file: string): Promise<Result<Buffer>> {
  const refuse = (reason: string) => fail({ code: 'key-file-unusable', file, reason })
  try {
    // Without waiting for whoever writes into a pipe.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const found = await handle.stat()
      if (!found.isFile()) return refuse('it is not a file')
      if ((found.mode & 0o077) !== 0)
        return refuse(`other users may open it (mode ${octal(found.mode)}); do this: chmod 600 FILE`)
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

const octal = (mode: number): string => `0${(mode & 0o777).toString(8).padStart(3, '0')}`
