import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isHomeIdentity, isSameHome, knownHomeIdentity } from '../lib/home-identity.ts'
import { isObject, parseJson } from '../lib/json.ts'
import { processExists } from '../lib/process-exists.ts'

/**
 * The registry that the last core of a home started and that still runs, though no core answers: one that was killed,
 * or that ended and left it. Undefined unless `run/registry.json` was written for this home and its process is there
 * with the same config.json among its arguments. Whether it is taken over the next core decides, which compares more.
 */
export async function leftRegistry(home: string): Promise<{ pid: number } | undefined> {
  const text = await readFile(join(home, 'run', 'registry.json'), 'utf8').catch(() => '')
  const read = parseJson(text)
  if (!isObject(read)) return undefined
  const { pid, configFile, home: recorded } = read
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 2) return undefined
  if (typeof configFile !== 'string' || configFile === '') return undefined
  const own = knownHomeIdentity(home)
  if (own && isHomeIdentity(recorded) && !isSameHome(recorded, own)) return undefined
  if (!processExists(pid)) return undefined
  const command = await commandOf(pid)
  return ` ${command} `.includes(` ${configFile} `) ? { pid } : undefined
}

/** The arguments of a process with spaces between them; empty where they cannot be read. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux')
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim()
  return await new Promise(resolve => {
    execFile('/bin/ps', ['-ww', '-o', 'command=', '-p', String(pid)], { timeout: 3_000 }, (error, output) =>
      resolve(error ? '' : output.trim()),
    )
  })
}
