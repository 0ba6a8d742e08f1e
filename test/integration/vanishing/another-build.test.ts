import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'
import { temporaryFolder } from '../registry/registry-process.ts'
import {
  copyPackage,
  type Package,
  type RunningCore,
  type StateLine,
  startCore,
  zotbar,
} from './package-copy.ts'

const folder = temporaryFolder()
const user = join(folder.path, 'user')
const own = join(user, 'home', 'engines', 'own')
const [older, newer] = ['0a0a0a0a0a0a0a0a', '0b0b0b0b0b0b0b0b']
const cores: RunningCore[] = []
let config: object

const start = (from: Package): RunningCore => {
  const core = startCore(from, user, config)
  cores.push(core)
  return core
}
const serving = (core: RunningCore): Promise<StateLine> => core.line(({ state }) => state === 'serving')
const copyOf = (build: string): string | undefined =>
  existsSync(own) ? readdirSync(own).find(name => name.startsWith(build)) : undefined
const untilCopied = (build: string): Promise<string> => eventually(() => copyOf(build))
/** What the registry that runs was started from, as the core wrote it down. */
const executable = (): string =>
  JSON.parse(readFileSync(join(user, 'home', 'run', 'registry.json'), 'utf8')).executable

beforeAll(async () => {
  const data = join(user, 'data')
  mkdirSync(data, { recursive: true })
  config = {
    distSpecVersion: '1.1.1',
    storage: { rootDirectory: data },
    http: { address: '127.0.0.1', port: String(await freePort()) },
  }
})
afterAll(() => {
  for (const core of cores) core.process.kill('SIGKILL')
  folder.dispose()
})

describe('a newer Zotbar beside a registry that an older one started', () => {
  it('adopts it though the package that it runs from is gone, and starts its own engine next', async () => {
    const before = copyPackage(join(folder.path, 'older'), older)
    const core = start(before)
    const { registry } = await serving(core)
    expect(executable()).toBe(before.node)
    await untilCopied(older)
    before.remove()
    core.process.kill('SIGKILL')
    await once(core.process, 'exit')

    const after = copyPackage(join(folder.path, 'newer'), newer)
    const next = start(after)
    expect((await serving(next)).registry.pid).toBe(registry.pid)
    const copy = await untilCopied(newer)
    // The one that runs came from the older package: its copy is the one before.
    expect(readdirSync(own)).toHaveLength(2)
    expect(zotbar(next.environment, 'restart')).toMatchObject({ state: 'serving' })
    expect(executable()).toBe(join(own, copy, 'node'))
    expect(await next.quit()).toBe(0)
  })

  it('starts from the copy, and is refused where that is damaged and there is no package: reinstalled, it serves', async () => {
    const from = copyPackage(join(folder.path, 'again'), newer)
    const core = start(from)
    const { registry } = await serving(core)
    const copy = join(own, copyOf(newer) ?? '')
    expect(executable()).toBe(join(copy, 'node'))
    from.remove()
    appendFileSync(join(copy, 'zotbar-registry.mjs'), ' ')
    // What could not be started again is not stopped.
    expect(zotbar(core.environment, 'restart')).toMatchObject({ error: { code: 'engine-unusable' } })
    expect(zotbar(core.environment, 'status')).toMatchObject({ registry: { pid: registry.pid } })
    process.kill(registry.pid ?? 0, 'SIGKILL')
    const failed = await core.line(({ state }) => state === 'failed')
    expect(`${failed.headline} ${failed.reason}`).toContain(join(copy, 'zotbar-registry.mjs'))

    copyPackage(from.folder, newer)
    expect(zotbar(core.environment, 'restart')).toMatchObject({ state: 'serving' })
    const textIn = (folder: string): string | undefined => {
      const file = join(folder, 'zotbar-registry.mjs')
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined
    }
    await eventually(() => textIn(copy) === textIn(join(from.folder, 'dist', 'registry')))
    expect(await core.quit()).toBe(0)
  })
})
