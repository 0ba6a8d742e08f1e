import { basename, join } from 'node:path'
import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'
import { zotDatabases } from '../../lib/store-names.ts'
import { hasArgument, type ProcessTable } from '../platform/process-table.ts'
import { registryHttp } from '../platform/registry-http.ts'
import { inspectZot, runningVersionIn } from './zot.ts'

/** Somebody else's process that owns the port. */
interface PortHolder {
  pid?: number
  command?: string
}

/** A zot that Zotbar did not start. `sameStore`: it serves our config.json, or has databases of our data folders open. */
export interface ForeignZot {
  version?: string
  program?: string
  sameStore: boolean
}

interface Options {
  configFile: string
  processes: ProcessTable
  /** The data folders of config.json. */
  roots(): string[]
  environment: Record<string, string>
  inspect?: typeof inspectZot
}

/** How long it may take to say what it is, ms. */
const limitMs = 1500

/** zot answers this without a credential, wherever `search` or `mgmt` is on. */
const mgmt = v.object({ distSpecVersion: v.string(), binaryType: v.string() })

/** Asks whoever owns the port whether it is a zot: over HTTP, else its program, once for each process. */
export function createZotRecognizer({
  configFile,
  processes,
  roots,
  environment,
  inspect = inspectZot,
}: Options) {
  let known: { pid: number | undefined; zot: ForeignZot } | undefined
  /** The process whose program was asked already. */
  let asked: number | undefined

  async function sameStore(pid: number | undefined): Promise<boolean> {
    if (pid === undefined) return false
    const argv = await processes.commandLine(pid)
    if (argv !== undefined && hasArgument(argv, configFile)) return true
    for (const root of roots())
      for (const name of zotDatabases)
        if ((await processes.holders(join(root, name))).includes(pid)) return true
    return false
  }

  /** Only a program of this user that is named as zot is run, with `--version` alone. */
  async function byProgram(
    pid: number,
    program: string | undefined,
  ): Promise<{ version?: string } | undefined> {
    if (asked === pid || program === undefined || !/^zot([-._]|$)/.test(basename(program))) return undefined
    asked = pid
    if ((await processes.owner(pid)) !== process.getuid?.()) return undefined
    const found = await inspect(program, environment)
    if (!found.usable) return undefined
    return found.version === undefined ? {} : { version: found.version }
  }

  return async ({ pid }: PortHolder, url: string): Promise<ForeignZot | undefined> => {
    if (known !== undefined && known.pid === pid && pid !== undefined) return known.zot
    const program = pid === undefined ? undefined : await processes.executable(pid)
    const http = registryHttp({ url: () => url, credential: async () => undefined, limitMs })
    const answer = await http.ask('/v2/_zot/ext/mgmt')
    http.close()
    const body = answer.ok && answer.value.status === 200 ? parseJson(answer.value.body) : undefined
    const version = v.is(mgmt, body) ? runningVersionIn(body) : undefined
    const told = v.is(mgmt, body)
      ? version === undefined
        ? {}
        : { version }
      : pid === undefined
        ? undefined
        : await byProgram(pid, program)
    if (told === undefined) return undefined
    const zot = { ...told, ...(program === undefined ? {} : { program }), sameStore: await sameStore(pid) }
    known = { pid, zot }
    return zot
  }
}
