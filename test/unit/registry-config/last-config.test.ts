import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastConfigQuestion } from '../../../contract/messages/last-config-message.ts'
import { configDiff } from '../../../core/registry-config/config-diff.ts'
import { createLastConfigStore } from '../../../core/registry-config/last-config.ts'

let home: string
let configFile: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-last-'))
  configFile = join(home, 'config.json')
})
afterEach(() => rmSync(home, { recursive: true }))

let at = 1000
const store = (file = configFile) =>
  createLastConfigStore({ home, configFile: file, now: () => at, report: () => {}, log: () => {} })
const kept = () =>
  JSON.parse(readFileSync(join(home, 'last-config.json'), 'utf8')) as { text: string; at: number }
const own = { engine: 'zot', adopted: false, startedAt: 0 } as const

describe('the config that last started', () => {
  it('is kept for this user alone once the registry is ready, and again only when it is another one', async () => {
    const last = store()
    expect(await last.compare('zot')).toBeUndefined()
    writeFileSync(configFile, '{"a":1}')
    chmodSync(configFile, 0o640)
    await last.begins()
    await last.ready(own)
    expect(statSync(join(home, 'last-config.json')).mode & 0o777).toBe(0o600)
    expect(kept()).toMatchObject({ file: configFile, text: '{"a":1}', at: 1000, mode: 0o640, engine: 'zot' })
    expect(await last.compare('zot')).toMatchObject({ now: '{"a":1}' })
    expect(await last.compare('zot')).not.toHaveProperty('diff')
    at = 2000
    await last.begins()
    await last.ready(own)
    expect(kept().at).toBe(1000)
    writeFileSync(configFile, '{"a":2}')
    expect(await last.compare('zot')).toMatchObject({
      text: '{"a":1}',
      now: '{"a":2}',
      diff: expect.stringContaining('-{"a":2}\n'),
    })
    const { id } = (await last.compare('zot')) ?? {}
    expect((await last.compare('zot'))?.id).toBe(id)
    writeFileSync(configFile, '{"a":3}')
    expect((await last.compare('zot'))?.id).not.toBe(id)
    writeFileSync(configFile, '{"a":2}')
    await last.begins()
    await last.ready(own)
    expect(kept()).toMatchObject({ text: '{"a":2}', at: 2000 })
  })

  it('is not the one that was written while it started', async () => {
    const last = store()
    writeFileSync(configFile, '{"a":1}')
    await last.begins()
    writeFileSync(configFile, '{"a":2}')
    await last.ready(own)
    expect(await last.compare('zot')).toBeUndefined()
  })

  it('is that of a process from before, if nobody has changed file or link since', async () => {
    writeFileSync(configFile, '{"a":1}')
    const link = join(home, 'link.json')
    symlinkSync(configFile, link)
    const changedAt = statSync(configFile).ctimeMs
    await store(link).ready({ engine: 'zot', adopted: true, startedAt: changedAt - 1 })
    expect(await store(link).compare('zot')).toBeUndefined()
    await store(link).ready({ engine: 'zot', adopted: true, startedAt: changedAt + 60_000 })
    expect(await store(link).compare('zot')).toBeDefined()
  })

  it('is none of a file that cannot be read, and nothing is thrown', async () => {
    const last = store()
    mkdirSync(configFile)
    await last.begins()
    await last.ready({ ...own, adopted: true })
    expect(await last.compare('zot')).toBeUndefined()
    rmdirSync(configFile)
    writeFileSync(configFile, ' '.repeat(4_000_001))
    await last.begins()
    await last.ready(own)
    expect(await last.compare('zot')).toBeUndefined()
  })

  it('is offered for its own file and engine, also where the file is gone', async () => {
    writeFileSync(configFile, '{"a":1}')
    const last = store()
    await last.begins()
    await last.ready(own)
    expect(await last.compare('zotbar-registry')).toBeUndefined()
    expect(await store(join(home, 'other.json')).compare('zot')).toBeUndefined()
    rmSync(configFile)
    expect(await last.compare('zot')).toMatchObject({
      now: undefined,
      diff: expect.stringContaining('+{"a":1}'),
    })
    // What is no text could not be kept as it is.
    writeFileSync(configFile, Buffer.from([0xff]))
    expect(await last.compare('zot')).toBeUndefined()
  })
})

describe('the diff of two configs', () => {
  const diff = (from: string, to: string) =>
    configDiff({ name: 'now', text: from }, { name: 'then', text: to })

  it.each<[string, string, string]>([
    [
      'JSON',
      '{\n  "clientsecret": "one\\"x",\n  "port": 1\n}\n',
      '{\n  "clientsecret": "two",\n  "port": 2\n}\n',
    ],
    ['JSON in one line', '{"clientSecret":"one","port":1}', '{"clientSecret":"two","port":2}'],
    ['YAML', 'clientsecret: one\nport: 1\n', "clientsecret: 'two'\nport: 2\n"],
    ['YAML in a block', 'clientsecret: |\n  one\n  one\nport: 1\n', 'clientsecret: >-\n  two\nport: 2\n'],
    [
      'YAML with a comma',
      'bindPassword: one,}one # one\nport: 1\n',
      'bindPassword: !!str "two,two"\nport: 2\n',
    ],
    ['YAML with an empty line', 'token: |\n  one\n\n  one\nport: 1\n', 'token:\n  two\nport: 2\n'],
    ['a list of YAML', 'tokens:\n- one\n- one\nport: 1\n', 'tokens:\n  - two\nport: 2\n'],
    ['a header', '{"Authorization":"one","port":1}', '{"X-Api-Key":"two","port":2}'],
    ['a list', '{"tokens":["one","one"],"port":1}', '{"tokens":["two"],"port":2}'],
    ['an address', '{"url":"redis://u:one@h","port":1}', '{"url":"redis://u:two@h","port":2}'],
    ['an address with @', '{"url":"redis://u:@one@one@h","port":1}', '{"url":"redis://:two@h","port":2}'],
    ['a text that is cut off', '{"passwd":"one', '{"passwd":"two","port":2}'],
  ])('of %s hides secrets, and shows that one is another', (_, from, to) => {
    const text = diff(from, to)
    expect(text).not.toMatch(/one|two/)
    expect(text).toMatch(/hidden 1/)
    expect(text).toMatch(/hidden 2/)
    if (from.endsWith('\n')) expect(text).toMatch(/^\+.*port.*2/m)
  })

  it.each([
    'htpasswd:\n  path: /etc/one',
    '"apikey": true,',
    'apikey: true',
    'tokenFile: /etc/one',
    '"failDelay": 5',
  ])('shows what is no secret: %s', text => {
    expect(diff(`${text}\n`, '')).toContain(text.replaceAll('\n', '\n-'))
  })

  it('of two long texts is found soon, and says no more than that they differ', () => {
    const lines = (word: string) => Array.from({ length: 5000 }, (_, index) => `${word} ${index}\n`).join('')
    expect(diff(lines('a'), lines('b'))).toContain('lines differ')
    expect(diff(`${'a'.repeat(500_000)}: 1\n`, '')).toContain('-aaa')
  })

  it('is shortened for a question', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n')
    const question = lastConfigQuestion({ at: 0, diff: diff(lines, '') })
    expect(question.diff?.split('\n')).toHaveLength(41)
    expect(question.diff).toContain('more lines: zotbar config show')
  })
})
