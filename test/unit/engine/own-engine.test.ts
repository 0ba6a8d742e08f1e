import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createOwnEngine, type OwnEngine, type OwnEngineOptions } from '../../../core/engine/own-engine.ts'
import { smallVolume } from '../../fakes/small-volume.ts'

let root: string
let node: string
let bundle: string
const own: OwnEngine[] = []
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const program = 'the bundle\n'

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-own-'))
  mkdirSync(join(root, 'package'))
  node = join(root, 'package', 'node')
  bundle = join(root, 'package', 'zotbar-registry.mjs')
  // Stands in for Node: what it is given to run does not matter, only that it runs.
  writeFileSync(node, `#!/bin/sh\nexit 0\n${'x'.repeat(3 * 1024 * 1024)}\n`, { mode: 0o755 })
  writeFileSync(bundle, program)
})
afterEach(async () => {
  for (const engine of own.splice(0)) await engine.close()
  rmSync(root, { recursive: true, force: true, maxRetries: 5 })
})

const home = (): string => join(root, 'home')
const copies = (): string => join(home(), 'engines', 'own')
const names = (): string[] => (existsSync(copies()) ? readdirSync(copies()).sort() : [])

function engine(more: Partial<OwnEngineOptions> = {}, name = 'b1'): OwnEngine {
  const created = createOwnEngine({
    home: home(),
    version: '1.0.0',
    packaged: { node, bundle },
    build: { name, bundleSha256: sha256(program) },
    log: () => {},
    ...more,
  })
  own.push(created)
  return created
}

async function place(of: OwnEngine): Promise<string> {
  const located = await of.locate()
  if (!located.ok) return located.error.code
  const { command, args } = located.value
  if (command === node && args[0] === bundle) return 'package'
  const folder = join(copies(), 'b1')
  return command === join(folder, 'node') && args[0] === join(folder, 'zotbar-registry.mjs')
    ? 'copy'
    : command
}

describe('the copy of the embedded engine', () => {
  it('is made once a registry serves, closed to others, and is what runs from then on', async () => {
    const first = engine()
    expect(await place(first)).toBe('package')
    expect(names()).toEqual([])
    expect(await first.settle(node)).toEqual({ kind: 'there' })
    expect(await place(first)).toBe('copy')
    const modeOf = (...path: string[]): string => (statSync(join(copies(), ...path)).mode & 0o777).toString(8)
    expect([modeOf(), modeOf('b1'), modeOf('b1', 'node'), modeOf('b1', 'zotbar-registry.mjs')]).toEqual([
      '700',
      '700',
      '700',
      '600',
    ])
    expect(readFileSync(join(copies(), 'b1', 'node')).equals(readFileSync(node))).toBe(true)
    // The next core finds it.
    expect(await place(engine())).toBe('copy')
  })

  it('is still made when the package was taken away right after the start, or replaced by another build', async () => {
    const first = engine()
    expect(await place(first)).toBe('package')
    rmSync(join(root, 'package'), { recursive: true })
    expect(await place(first)).toBe('copy')
    rmSync(copies(), { recursive: true })
    mkdirSync(join(root, 'package'))
    writeFileSync(node, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    writeFileSync(bundle, 'another bundle')
    // Nothing holds the first package any more: another build is never run under this one's name.
    expect(await place(first)).toBe('engine-missing')
    expect(names()).toEqual([])
  })

  it('is still made by a core that takes its home again in the same process, after a copy that was cut off', async () => {
    const first = engine()
    expect(await place(first)).toBe('package')
    const settling = first.settle(undefined)
    await first.close()
    expect(await settling).toMatchObject({ kind: 'failed' })
    expect(names()).toEqual([])
    rmSync(join(root, 'package'), { recursive: true })
    expect(await place(engine())).toBe('copy')
  })

  it.each([
    ['a changed bundle', () => writeFileSync(join(copies(), 'b1', 'zotbar-registry.mjs'), 'x')],
    ['a changed Node of the same size', () => damageNode()],
    ['a missing Node', () => rmSync(join(copies(), 'b1', 'node'))],
    ['a manifest that is no JSON', () => writeFileSync(join(copies(), 'b1', 'engine.json'), '{')],
  ])('is made again from the package: %s', async (_, damage) => {
    const first = engine()
    await first.settle(undefined)
    damage()
    const second = engine()
    expect(await place(second)).toBe('package')
    expect(await second.settle(undefined)).toEqual({ kind: 'there' })
    expect(await place(second)).toBe('copy')
    expect(readFileSync(join(copies(), 'b1', 'node')).equals(readFileSync(node))).toBe(true)
  })

  it('is refused with its path when it is damaged and the package is gone', async () => {
    await engine().settle(undefined)
    damageNode()
    rmSync(join(root, 'package'), { recursive: true })
    expect(await engine().locate()).toEqual({
      ok: false,
      error: {
        code: 'engine-unusable',
        engine: 'zotbar-registry',
        path: join(copies(), 'b1', 'zotbar-registry.mjs'),
        reason: expect.stringContaining('Install Zotbar again'),
      },
    })
  })

  it('goes on being used when only times or modes of its files changed, as in a restored home', async () => {
    const first = engine()
    await first.settle(undefined)
    const copied = join(copies(), 'b1', 'node')
    utimesSync(copied, new Date(1000), new Date(1000))
    chmodSync(copied, 0o600)
    expect(await place(first)).toBe('copy')
    expect(statSync(copied).mode & 0o777).toBe(0o700)
  })

  it('is not made where the disk has no room, or where Node does not run elsewhere: then the package runs', async () => {
    const full = engine({ findFreeSpace: async () => ({ freeBytes: 1000, volumeBytes: 1e9 }) })
    expect(await full.settle(undefined)).toMatchObject({ kind: 'no-room', freeBytes: 1000 })
    expect(await place(full)).toBe('package')
    writeFileSync(node, '#!/bin/sh\ncase $0 in */own/*) exit 127 ;; esac\n', { mode: 0o755 })
    const bound = engine()
    expect(await bound.settle(undefined)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining(node),
    })
    expect([await place(bound), names()]).toEqual(['package', []])
  })

  it('leaves nothing on a disk that turns out to be full, and the package runs', async context => {
    const volume = smallVolume(home(), '2m')
    try {
      if (!volume.mounted) context.skip('nothing can be mounted here')
      const full = engine({ findFreeSpace: async () => undefined })
      expect(await full.settle(undefined)).toMatchObject({
        kind: 'failed',
        reason: expect.stringContaining('full'),
      })
      expect([await place(full), names()]).toEqual(['package', []])
    } finally {
      volume.unmount()
    }
  })

  it('twenty at once make one, and leave nothing beside it', async () => {
    const all = Array.from({ length: 20 }, () => engine())
    const settled = await Promise.all(all.map(each => each.settle(undefined)))
    expect(settled.filter(({ kind }) => kind !== 'there')).toEqual([])
    expect(await Promise.all(all.map(place))).toEqual(Array(20).fill('copy'))
    expect(names()).toEqual(['b1'])
  })

  it('leaves those that run, ran before and run next, and removes older ones and what broke off', async () => {
    await engine({}, 'runs').settle(undefined)
    const ages = { old: 1000, before: 2000, runs: 500 }
    for (const [name, at] of Object.entries(ages)) {
      if (name !== 'runs') cpSync(join(copies(), 'runs'), join(copies(), name), { recursive: true })
      utimesSync(join(copies(), name, 'engine.json'), at, at)
    }
    mkdirSync(join(copies(), '.new-1'))
    expect(names()).toEqual(['.new-1', 'before', 'old', 'runs'])
    expect(await engine().settle(join(copies(), 'runs', 'node'))).toEqual({ kind: 'there' })
    expect(names()).toEqual(['b1', 'before', 'runs'])
  })

  it('is never made of the sources', async () => {
    const sources = engine({ build: undefined })
    expect(await sources.settle(undefined)).toEqual({ kind: 'there' })
    expect([await place(sources), names()]).toEqual(['package', []])
    rmSync(bundle)
    expect(await sources.locate()).toEqual({ ok: false, error: { code: 'engine-missing', path: bundle } })
  })
})

function damageNode(): void {
  const file = join(copies(), 'b1', 'node')
  const content = readFileSync(file)
  content.writeUInt8(content.readUInt8(100) ^ 1, 100)
  writeFileSync(file, content)
}
