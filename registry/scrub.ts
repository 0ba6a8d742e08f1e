import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Config } from './config/config.ts'
import { readListenAddress, withoutBrackets } from './config/listen-address.ts'
import { noPause } from './maintenance/schedule.ts'
import { printScrubTable, type ScrubRow, scrubRepository } from './maintenance/scrub.ts'
import { readConfig, refuse } from './read-config.ts'
import { checkRoot } from './storage/root.ts'
import { foldersOf, openStores } from './stores.ts'

/** How long a server may take to show that it is there, ms. */
const answerTimeoutMs = 3000

/**
 * Reads every blob while nobody serves and prints how the images are; answers the exit code. As with zot,
 * affected images are a finding and no failure: 0.
 */
export async function scrub(file: string): Promise<number> {
  const read = await readConfig(file)
  if (!read.ok) return refuse('invalid config file', read.problems)
  const { config } = read
  const { address, port } = config.http
  if (await isServing(config))
    return refuse('failed to scrub', [`server is running: something answers on ${address}:${port}`])
  for (const { rootDirectory } of foldersOf(config)) {
    const checked = await checkRoot(rootDirectory)
    if (!checked.ok) return refuse('storage cannot be used', [checked.message])
  }
  const storing = await openStores(config)
  if (!storing.ok) return refuse('failed to scrub', [`server is running: ${storing.message}`])
  const { stores } = storing
  const notes: string[] = []
  const deps = {
    // The table is for the reader; what was moved where is said after it.
    logger: { log: (_: string, message: string, fields = {}) => notes.push(noteOf(message, fields)) },
    pause: noPause,
    signal: new AbortController().signal,
    known: new Map<string, boolean>(),
  }
  const totals = { blobs: 0, corrupt: 0, unreadable: 0 }
  const rows: ScrubRow[] = []
  for (const { maintenance } of [stores.main, ...stores.subs]) {
    const names: string[] = []
    for await (const name of maintenance.names()) names.push(name)
    for (const name of names.sort())
      rows.push(...(await scrubRepository({ ...deps, maintenance }, name, totals)))
  }
  console.log(printScrubTable(rows))
  for (const note of notes) console.error(note)
  stores.close()
  return 0
}

function noteOf(message: string, fields: Readonly<Record<string, unknown>>): string {
  const { repository, blob, path } = fields
  return `${message}: ${repository} ${blob}${path === undefined ? '' : `, now ${path}`}`
}

/** Whether anything answers HTTP where the registry would. */
async function isServing(config: Config): Promise<boolean> {
  const { address, port } = config.http
  if (port === 0) return false
  const host = withoutBrackets(readListenAddress(address)?.host ?? address)
  const target = { host, port, path: '/v2/', method: 'HEAD', timeout: answerTimeoutMs }
  const asked = [
    answers(done => httpRequest({ ...target, agent: false }, done)),
    answers(done => httpsRequest({ ...target, agent: false, rejectUnauthorized: false }, done)),
  ]
  return (await Promise.all(asked)).includes(true)
}

function answers(ask: (done: () => void) => ReturnType<typeof httpRequest>): Promise<boolean> {
  return new Promise(resolve => {
    const request = ask(() => {
      resolve(true)
      request.destroy()
    })
    request.on('error', () => resolve(false))
    request.on('timeout', () => request.destroy())
    request.end()
  })
}
