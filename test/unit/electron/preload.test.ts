import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { build } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppBridge } from '../../../contract/core-link.ts'
import { commandNames } from '../../../contract/dispatch.ts'

const root = join(import.meta.dirname, '../../..')
let folder = ''
let code = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-preload-'))
  await build({
    cwd: root,
    input: { preload: 'preload/preload.ts' },
    platform: 'node',
    external: ['electron'],
    logLevel: 'silent',
    output: { format: 'cjs', dir: folder, entryFileNames: '[name].cjs', codeSplitting: false },
  })
  code = await readFile(join(folder, 'preload.cjs'), 'utf8')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the bundled preload as a sandbox would: nothing there but `require('electron')`. */
function load() {
  const sent: unknown[][] = []
  const exposed: Record<string, AppBridge> = {}
  let deliver: (event: object, name: string, value: unknown) => void = () => {}
  const electron = {
    contextBridge: {
      exposeInMainWorld: (name: string, value: AppBridge) => {
        exposed[name] = value
      },
    },
    ipcRenderer: {
      on: (_: string, listener: typeof deliver) => {
        deliver = listener
      },
      send: (...parts: unknown[]) => void sent.push(parts),
      invoke: async (...parts: unknown[]) => {
        sent.push(parts)
        return { ok: true, value: null }
      },
    },
  }
  const required: string[] = []
  const require = (name: string) => {
    required.push(name)
    return electron
  }
  runInNewContext(code, { require, exports: {}, module: { exports: {} } })
  return { exposed, sent, required, deliver: (name: string, value: unknown) => deliver({}, name, value) }
}

describe('the preload', () => {
  it('needs nothing but Electron, and stays small', () => {
    expect(load().required).toEqual(['electron'])
    // The schemas of all commands are in it.
    expect(code.length).toBeLessThan(45_000)
  })

  it('exposes the bridge and no channel', () => {
    const { exposed } = load()
    expect(Object.keys(exposed)).toEqual(['zotbar'])
    expect(Object.keys(exposed['zotbar']!).sort()).toEqual(
      [...new Set(commandNames().map(name => name.split('.')[0])), 'on', 'onLink', 'startCore'].sort(),
    )
  })

  it('carries a command by its name', async () => {
    const { exposed, sent } = load()
    expect(await exposed['zotbar']!.registry.restart({ now: true })).toEqual({ ok: true, value: null })
    expect(sent).toEqual([['zotbar:call', 'registry.restart', { now: true }]])
  })

  it('asks for events while somebody listens, and hands on values only', () => {
    const { exposed, sent, deliver } = load()
    const heard: unknown[][] = []
    const listen = () => exposed['zotbar']!.on('snapshot', (...all) => void heard.push(all))
    const [endOne, endTwo] = [listen(), listen()]
    expect(sent).toEqual([['zotbar:listen', 'snapshot', true]])
    deliver('snapshot', { takenAt: 1 })
    deliver('unheard-of', { takenAt: 2 })
    expect(heard).toEqual([[{ takenAt: 1 }], [{ takenAt: 1 }]])
    endOne()
    endOne()
    expect(sent).toHaveLength(1)
    endTwo()
    expect(sent.at(-1)).toEqual(['zotbar:listen', 'snapshot', false])
  })

  it('asks for the link with each listener, because each is sent it as it is', () => {
    const { exposed, sent, deliver } = load()
    const heard: unknown[] = []
    const ends = [1, 2].map(() => exposed['zotbar']!.onLink(link => void heard.push(link)))
    expect(sent).toEqual([
      ['zotbar:listen', 'link', true],
      ['zotbar:listen', 'link', true],
    ])
    deliver('link', { kind: 'live' })
    expect(heard).toEqual([{ kind: 'live' }, { kind: 'live' }])
    for (const end of ends) end()
    expect(sent.at(-1)).toEqual(['zotbar:listen', 'link', false])
    exposed['zotbar']!.startCore()
    expect(sent.at(-1)).toEqual(['zotbar:start-core'])
  })
})
