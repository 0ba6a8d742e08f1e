import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noticeMessage } from '../../../contract/messages/notice-message.ts'
import { readTarget } from '../../../core/registry-config/preflight.ts'
import { unknownKeysNotice } from '../../../core/registry-config/unknown-keys.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'target-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function written(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

const newer = `{
  "storage": {"rootDirectory": "data"},
  "http": {"port": "5001", "accessControl": {"repositories": {"**": {"policies": [
    {"users": ["ci"], "actions": ["read"], "conditions": [{"expression": "true", "message": "x"}]}]}}}},
  "extensions": {"metrics": {"prometheus": {"path": "/metrics/"}}, "tomorrow": {"key": 1}}
}`

describe('a config of a newer zot', () => {
  it('starts with zot, and its new keys are told', async () => {
    const file = await written('config.json', newer)
    const target = await readTarget(file, 'zot')
    expect(target).toMatchObject({
      ok: true,
      value: { unknownKeys: [{ keyPath: 'extensions.tomorrow', line: 5, column: 68 }] },
    })
    const notice = unknownKeysNotice(file, target.ok ? target.value : undefined, 1)
    expect(notice && noticeMessage(notice)).toEqual({
      title: 'The config has 1\u00a0key that Zotbar does not know',
      detail: `zot decides what it means: extensions.tomorrow (line 5) in ${file}.`,
      needsAttention: false,
    })
  })

  it('is refused for zotbar-registry, which would serve without what it says', async () => {
    const target = await readTarget(await written('config.json', newer))
    expect(target).toMatchObject({ ok: false, error: { code: 'config-invalid' } })
    const conditions = newer.replace(/,\n {2}"extensions.*/, '')
    expect(await readTarget(await written('config.json', conditions))).toMatchObject({
      ok: false,
      error: {
        faults: [{ keyPath: 'http.accessControl.repositories["**"].policies[0].conditions', line: 4 }],
      },
    })
  })
})

describe('a config in YAML', () => {
  const text = 'storage:\n  rootdirectory: data\nhttp:\n  address: 127.0.0.1\n  port: 5001\n'

  it.each(['zot', 'zotbar-registry'] as const)('is read for %s', async engine => {
    for (const name of ['config.yaml', 'config.yml', 'config'])
      expect(await readTarget(await written(name, text), engine)).toMatchObject({
        ok: true,
        value: { url: 'http://127.0.0.1:5001', dataFolder: join(folder, 'data'), unknownKeys: [] },
      })
  })

  it('is refused under the ending of JSON, and so is TOML, with what to do', async () => {
    expect(await readTarget(await written('config.json', text), 'zot')).toMatchObject({
      ok: false,
      error: { faults: [{ message: expect.stringContaining('name it .yaml'), line: 1, column: 1 }] },
    })
    expect(await readTarget(await written('config.toml', '[http]\nport = 5001\n'), 'zot')).toMatchObject({
      ok: false,
      error: { faults: [{ message: expect.stringContaining('Zotbar reads .json, .yaml and .yml') }] },
    })
  })
})
