import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { verifyWithZot, type ZotProgram } from '../../core/engine/zot.ts'
import { readTarget } from '../../core/registry-config/preflight.ts'
import { run } from './program.ts'

/** What somebody says of a config file. `why`: with each fault on a line of its own. */
export type Verdict = { isTaken: true } | { isTaken: false; why: string }

/** What is said of one file. */
export interface Verdicts {
  /** Relative to the folder that was searched. */
  name: string
  zot: Verdict
  /** Zotbar with zot as its engine. */
  zotbar: Verdict
  zotbarRegistry: Verdict
}

const taken: Verdict = { isTaken: true }
const refused = (why: string): Verdict => ({ isTaken: false, why })

/** The config files below a folder, among credentials, deployments and whatever else lies there. */
export async function configsIn(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(json|ya?ml)$/.test(entry.name)) continue
    const file = join(entry.parentPath, entry.name)
    const text = await readFile(file, 'utf8')
    if (/^\s*[{,]?\s*["']?storage["']?\s*:/im.test(text) && /["']?http["']?\s*:/i.test(text)) found.push(file)
  }
  return found.sort()
}

/** A copy with something real for each placeholder in `work`; the file itself where it has none. */
export async function withoutPlaceholders(file: string, searched: string, work: string): Promise<string> {
  const text = await readFile(file, 'utf8')
  if (!/@[A-Z-]+@/.test(text)) return file
  const credentials = join(work, 'oidc-credentials.json')
  await writeFile(credentials, '{"clientid":"zot","clientsecret":"secret"}')
  const copy = join(work, relative(searched, file))
  await mkdir(dirname(copy), { recursive: true })
  const filled = text
    .replaceAll('@PORT@', '5050')
    .replaceAll('@CREDENTIALS@', credentials)
    .replaceAll('@DATA@', work)
    .replace(/@[A-Z-]+@/g, 'https://registry.example.net')
  await writeFile(copy, filled)
  return copy
}

/** Asks zot, Zotbar with zot, and zotbar-registry, whose program file is `registry`. */
export async function verdictsOn(
  file: string,
  zot: ZotProgram,
  registry: string,
): Promise<Omit<Verdicts, 'name'>> {
  const verified = await verifyWithZot(zot, file, { PATH: process.env['PATH'] ?? '' })
  const ofZot = verified.ok ? taken : refused(whyOf(verified.error))
  const target = await readTarget(file, 'zot')
  const { code, stderr } = await run(process.execPath, [registry, 'verify', file], { cwd: dirname(file) })
  return {
    zot: ofZot,
    zotbar: target.ok ? ofZot : refused(whyOf(target.error)),
    zotbarRegistry: code === 0 ? taken : refused(stderr.trim().replaceAll(`${file}:`, '')),
  }
}

const whyOf = (error: Failure): string =>
  error.code === 'config-invalid'
    ? error.faults
        .map(({ keyPath, message }) => (keyPath === undefined ? message : `${keyPath}: ${message}`))
        .join('\n')
    : failureMessage(error).title
