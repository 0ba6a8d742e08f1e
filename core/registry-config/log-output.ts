import { readlinkSync, statSync } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { ConfigFault } from '../../contract/failure.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { isStandardOutput, ownDescriptor } from '../../registry/config/log-output.ts'

/** What `log.output` of config.json means to somebody who wants to read the log. */
export type LogOutput =
  /** Standard output or error of the registry: the file that the supervisor gave it. */
  | { kind: 'launch-log' }
  | { kind: 'file'; file: string }
  /** Nothing can be read back; `why` is a sentence about that. */
  | { kind: 'unreadable'; why: string }

/** `path`: absolute; undefined where config.json says nothing. */
export function logOutputOf(path: string | undefined): LogOutput {
  const descriptor = path === undefined ? 1 : ownDescriptor(path, readLink)
  if (path === undefined || isStandardOutput(descriptor)) return { kind: 'launch-log' }
  const unreadable = (reason: string): LogOutput => ({
    kind: 'unreadable',
    why: `config.json sends the log to ${reason}, ${path}, and it is not read from there`,
  })
  if (descriptor !== undefined) return unreadable('a descriptor of the registry')
  const type = inspect(path)
  if (type === undefined || type.isFile()) return { kind: 'file', file: path }
  if (type.isCharacterDevice() && type.rdev === inspect('/dev/null')?.rdev)
    return { kind: 'unreadable', why: `config.json discards the log: log.output is ${path}` }
  // Whoever reads a pipe takes the lines from the one for whom it was made.
  return unreadable(type.isFIFO() ? 'a named pipe' : type.isDirectory() ? 'a folder' : 'a device')
}

/** Why the engine could not write its log to `path` (absolute), before it is started; undefined where it can. */
export async function logOutputFault(path: string | undefined): Promise<ConfigFault | undefined> {
  const fault = (message: string): ConfigFault => ({ keyPath: 'log.output', message })
  const descriptor = path === undefined ? 1 : ownDescriptor(path, readLink)
  if (path === undefined || isStandardOutput(descriptor)) return undefined
  if (descriptor !== undefined)
    return fault(`${path} is nothing that a registry could write its log to: only 1 and 2 are open in it`)
  const folder = dirname(path)
  try {
    const stats = await stat(path).catch(error => {
      if (errorCode(error) === 'ENOENT') return undefined
      throw error
    })
    if (stats?.isDirectory()) return fault(`${path} is a folder, not a file`)
    if (stats) await access(path, constants.W_OK)
    else await access(folder, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return errorCode(error) === 'ENOENT'
      ? fault(`the folder ${folder} is not there: make it, or name another file`)
      : fault(`${path} cannot be written to: ${reasonOf(error)}`)
  }
}

function readLink(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path))
  } catch {
    return undefined
  }
}

function inspect(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // Out of reach: whoever reads it says why.
    return undefined
  }
}
