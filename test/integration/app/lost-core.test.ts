import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
afterEach(() => rig.end())

describe('a core that hangs', () => {
  it('is named with what helps, and the registry is taken over then', async () => {
    rig = await createAppRig()
    const core = await rig.serving()
    const { pid } = (await rig.status()).registry
    core.kill('SIGSTOP')
    const [status, quit, json] = await Promise.all([
      rig.zotbar('status'),
      rig.zotbar('quit'),
      rig.zotbar('status', '--json'),
    ])
    for (const said of [status, quit]) {
      expect([said.code, said.stdout]).toEqual([1, ''])
      expect(said.stderr).toContain(`kill -9 ${core.pid} ends it, then zotbar start`)
    }
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'app-not-answering', pid: core.pid } })
    core.kill('SIGKILL')
    await core.exited
    await rig.serving()
    expect((await rig.status()).registry).toMatchObject({ pid })
  })
})

describe('a core that went without its registry', () => {
  const gone = { killed: 'was killed', left: 'was quit with --keep-serving' }
  it.each([gone.killed, gone.left])(
    'when it %s: status and quit name the registry and how to go on',
    async how => {
      rig = await createAppRig()
      const core = await rig.serving()
      const { pid } = (await rig.status()).registry
      if (how === gone.killed) core.kill('SIGKILL')
      else await rig.zotbar('quit', '--keep-serving')
      await core.exited
      for (const verb of ['status', 'quit']) {
        const [words, json] = await Promise.all([rig.zotbar(verb), rig.zotbar(verb, '--json')])
        expect([words.code, words.stdout, json.code, json.stderr]).toEqual([3, '', 3, ''])
        expect(words.stderr).toContain(`The registry that it started is still there: process ${pid}.`)
        expect(words.stderr).toContain('Take it over: zotbar start.')
        expect(JSON.parse(json.stdout)).toEqual({
          error: { code: 'app-not-running', home: rig.home, registry: { pid } },
        })
      }
      await rig.serving()
      expect((await rig.status()).registry).toMatchObject({ pid })
      expect((await rig.zotbar('stop')).code).toBe(0)
      expect((await rig.zotbar('quit')).code).toBe(0)
      expect((await rig.zotbar('status')).stderr).not.toContain('still there')
    },
  )

  it('says nothing of a process that only has its number, or of the registry of another home', async () => {
    rig = await createAppRig()
    const core = await rig.serving()
    core.kill('SIGKILL')
    await core.exited
    const file = join(rig.home, 'run', 'registry.json')
    const record = JSON.parse(readFileSync(file, 'utf8'))
    const bare = { error: { code: 'app-not-running', home: rig.home } }
    for (const other of [
      { pid: process.pid },
      { home: { path: '/elsewhere', folder: '1:2' } },
      { pid: undefined },
      { pid: 'x' },
    ]) {
      writeFileSync(file, JSON.stringify({ ...record, ...other }))
      expect(JSON.parse((await rig.zotbar('status', '--json')).stdout)).toEqual(bare)
    }
    writeFileSync(file, JSON.stringify(record))
    expect(JSON.parse((await rig.zotbar('status', '--json')).stdout)).toEqual({
      error: { ...bare.error, registry: { pid: record.pid } },
    })
  })
})
