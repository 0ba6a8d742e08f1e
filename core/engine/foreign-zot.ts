import { basename, join } from 'node:path'
import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'
import { zotDatabases } from '../../lib/store-names.ts'
import { hasArgument, type ProcessTable } from '../platform/process-table.ts'
import { registryHttp } from '../platform/registry-http.ts'
import { runningVersionIn } from '../platform/zot-version.ts'
import { inspectZot } from './zot.ts'

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

/** How long the process may take to answer over HTTP. */
const limitMs = 1500

/** zot answers this without a credential, wherever `search` or `mgmt` is on. */
const mgmt = v.object({ distSpecVersion: v.string(), binaryType: v.string() })

/** Asks the owner of the port whether it is a zot: over HTTP, else by running its program once for each process. */
export function createZotRecognizer({
  configFile,
  processes,
  roots,
  environment,
  inspect = inspectZot,
}: Options) {
  let known: { pid: number | undefined; zot: ForeignZot } | undefined
  /** The process whose program was run already. */
  let checkedPid: number | undefined

  async function servesSameStore(pid: number | undefined): Promise<boolean> {
    if (pid === undefined) return false
    const argv = await processes.commandLine(pid)
    if (argv !== undefined && hasArgument(argv, configFile)) return true
    for (const root of roots())
      for (const name of zotDatabases)
        if ((await processes.holders(join(root, name))).includes(pid)) return true
    return false
  }

  /** Runs only a program of this user that is named like zot, and only with `--version`. */
  async function versionOfProgram(
    pid: number,
    program: string | undefined,
  ): Promise<{ version?: string } | undefined> {
    if (checkedPid === pid || program === undefined || !/^zot([-._]|$)/.test(basename(program)))
      return undefined
    checkedPid = pid
    if ((await processes.owner(pid)) !== process.getuid?.()) return undefined
    const zot = await inspect(program, environment)
    if (!zot.usable) return undefined
    return zot.version === undefined ? {} : { version: zot.version }
  }

  return async ({ pid }: PortHolder, url: string): Promise<ForeignZot | undefined> => {
    if (known !== undefined && known.pid === pid && pid !== undefined) return known.zot
    const program = pid === undefined ? undefined : await processes.executable(pid)
    const http = registryHttp({ url: () => url, credential: async () => undefined, limitMs })
    const answer = await http.ask('/v2/_zot/ext/mgmt')
    http.close()
    const body = answer.ok && answer.value.status === 200 ? parseJson(answer.value.body) : undefined
    const version = v.is(mgmt, body) ? runningVersionIn(body) : undefined
    const identified = v.is(mgmt, body)
      ? version === undefined
        ? {}
        : { version }
      : pid === undefined
        ? undefined
        : await versionOfProgram(pid, program)
    if (identified === undefined) return undefined
    const zot = {
      ...identified,
      ...(program === undefined ? {} : { program }),
      sameStore: await servesSameStore(pid),
    }
    known = { pid, zot }
    return zot
  }
}
