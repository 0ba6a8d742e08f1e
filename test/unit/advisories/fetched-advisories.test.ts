import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Advice, createAdvice, createReleaseAdvice } from '../../../core/advisories/release-advice.ts'
import type { SetAside } from '../../../core/platform/json-file.ts'
import { createWeb, type Web } from '../../../core/platform/web.ts'
import { household } from './configs.ts'

let home: string
let server: Server
let web: Web
let answer: RequestListener
let url: string
let asides: SetAside[]
let advice: Advice
let now: number
const at = Date.UTC(2026, 8, 10)

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-facts-'))
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/facts.json`
  web = createWeb({ environment: {} })
  asides = []
  now = at
  const configFile = join(home, 'config.json')
  await writeFile(configFile, household)
  advice = createAdvice({
    home,
    configFile,
    web,
    now: () => now,
    url: () => url,
    accepted: () => ['request-time-limits'],
    report: what => asides.push(what),
  })
})
afterEach(async () => {
  await web.close()
  server.closeAllConnections()
  server.close()
  await rm(home, { recursive: true, force: true })
})

it('say what to change by hand where the file cannot be edited, also when the version takes it as it is', async () => {
  const configFile = join(home, 'config.yaml')
  await writeFile(configFile, 'storage: {rootDirectory: /data}\nhttp: {port: 5050}\n')
  const ofYaml = createAdvice({
    home,
    configFile,
    web,
    now: () => now,
    url: () => '',
    accepted: () => ['request-time-limits'],
    report: () => {},
  })
  const { findings, edit } = await ofYaml.advise('v2.1.15', 'v2.1.17')
  expect(edit).toBeUndefined()
  expect(findings).toContainEqual({
    id: 'edit-by-hand',
    severity: 'warning',
    evidence: configFile,
    advice: expect.stringMatching(/does not edit the file: it is YAML\. .*http\.readTimeout/),
  })
})

it('are shown only of the version that they are about', async () => {
  const shown = createReleaseAdvice({
    home,
    configFile: join(home, 'config.json'),
    web,
    now: () => now,
    url: () => '',
    timeLimits: () => false,
    report: () => {},
    log: () => {},
    onChange: () => changed(),
  })
  let changed = (): void => {}
  const once = new Promise<void>(resolve => {
    changed = resolve
  })
  shown.running({ id: 'zot', version: 'v2.1.13' }, 1)
  await once
  expect(shown.advisories('v2.1.13').length).toBeGreaterThan(0)
  // The other version runs, and what concerns it is not looked up yet.
  expect(shown.advisories('v2.1.15')).toEqual([])
})

const says =
  (text: string, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status).end(text)
  }

const more = {
  asOf: '2026-09-09',
  releases: [{ version: 'v2.1.21', date: '2026-09-08', go: '1.26.4' }],
  advisories: [
    {
      id: 'CVE-2026-99999',
      title: 'A new one',
      severity: 'error',
      introducedIn: 'v2.1.16',
      fixedIn: 'v2.1.21',
      appliesWhen: { all: [{ set: 'http.auth' }, { not: { path: 'http.address', equals: '::1' } }] },
      words: 'It does things.',
      advice: 'Upgrade.',
    },
  ],
}
const found = async (running: string) => (await advice.findings(running, undefined)).map(({ id }) => id)
const shippedForOld = ['CVE-2025-30204', 'callback-ui-open-redirect', 'CVE-2026-31801']

describe('facts from an address', () => {
  it('are added to those that come with the app, and are there offline', async () => {
    answer = says(JSON.stringify(more))
    expect(await found('v2.1.20')).toEqual([])
    expect(await advice.source()).toEqual({ asOf: '2026-08-31' })
    const source = { asOf: '2026-09-09', more: { url, at } }
    expect(await advice.refresh()).toEqual({ ok: true, value: source })
    expect(await found('v2.1.20')).toEqual(['CVE-2026-99999'])
    expect(await found('v2.1.13')).toEqual(shippedForOld)
    expect(await advice.goFor('v2.1.21')).toBe('1.26.4')
    expect(await advice.goFor('v2.1.13')).toBe('1.25.0')
    server.close()
    server.closeAllConnections()
    expect(await advice.refresh()).toMatchObject({ ok: false, error: { code: 'web-unreachable' } })
    expect(await found('v2.1.20')).toEqual(['CVE-2026-99999'])
    expect(await advice.source()).toEqual(source)
  })

  it('go before one of the same id, and take none away', async () => {
    const [advisory] = more.advisories
    answer = says(JSON.stringify({ ...more, advisories: [{ ...advisory, id: 'CVE-2026-31801' }] }))
    await advice.refresh()
    expect(await found('v2.1.13')).toEqual(['CVE-2025-30204', 'callback-ui-open-redirect'])
    expect(await found('v2.1.18')).toEqual(['callback-ui-backslash-bypass', 'CVE-2026-31801'])
  })

  it('count only for the address that is set', async () => {
    answer = says(JSON.stringify(more))
    await advice.refresh()
    url = ''
    expect(await found('v2.1.20')).toEqual([])
    expect(await advice.refresh()).toEqual({ ok: true, value: { asOf: '2026-08-31' } })
  })

  it.each([
    ['no JSON', 'hello', /it is no JSON/],
    ['a list', '[]', /asOf/],
    [
      'a wrong version',
      JSON.stringify({ ...more, releases: [{ version: '2', date: '2026-09-08', go: '1' }] }),
      /releases\.0\.version/,
    ],
    [
      'a wrong matcher',
      JSON.stringify({ ...more, advisories: [{ ...more.advisories[0], appliesWhen: {} }] }),
      /appliesWhen/,
    ],
    [
      'a matcher without end',
      JSON.stringify({ ...more, advisories: [{ ...more.advisories[0], appliesWhen: nested(200) }] }),
      /appliesWhen/,
    ],
    [
      'nonsense as an id',
      JSON.stringify({ ...more, advisories: [{ ...more.advisories[0], id: '../x y' }] }),
      /advisories\.0\.id/,
    ],
  ])('that are %s are refused, and what was there goes on', async (_, text, reason) => {
    answer = says(JSON.stringify(more))
    await advice.refresh()
    answer = says(text)
    const refused = await advice.refresh()
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'advice-not-understood', url, reason: expect.stringMatching(reason) },
    })
    expect(await found('v2.1.20')).toEqual(['CVE-2026-99999'])
  })

  it('are cut off when they do not end, and refused with another status', async () => {
    answer = says('gone', 404)
    expect(await advice.refresh()).toMatchObject({
      error: { code: 'advice-not-understood', reason: 'it answers 404' },
    })
    answer = (_, response) => {
      const write = (): void => {
        while (response.writable && response.write('x'.repeat(65536)));
      }
      response.on('drain', write).on('error', () => {})
      write()
    }
    expect(await advice.refresh()).toMatchObject({ error: { code: 'web-too-large' } })
    expect(await readdir(home)).toEqual(['config.json'])
  })

  it('are set aside when the copy on disk is damaged', async () => {
    answer = says(JSON.stringify(more))
    await advice.refresh()
    await writeFile(join(home, 'cache', 'advice.json'), '{"url":')
    expect(await found('v2.1.20')).toEqual([])
    expect(asides).toHaveLength(1)
    expect(await readFile(asides[0]?.keptAs ?? '', 'utf8')).toBe('{"url":')
  })

  it('are fetched when an upgrade is looked at, and their date is told', async () => {
    let asked = 0
    answer = (request, response) => {
      asked += 1
      says(JSON.stringify(more))(request, response)
    }
    const note = async () =>
      (await advice.advise('v2.1.20', 'v2.1.21')).findings.find(({ id }) => id === 'more-facts')
    expect(await note()).toMatchObject({
      severity: 'info',
      evidence: url,
      advice: expect.stringMatching(/^Advisories of 2026-09-09, fetched on .*2026/),
    })
    await note()
    expect(asked).toBe(1)
    answer = says('hello')
    now += 60 * 60_000
    expect(await note()).toMatchObject({
      severity: 'warning',
      advice: expect.stringMatching(
        /^The advisories about releases are not understood: .*Advisories of 2026-09-09/,
      ),
    })
    expect(await found('v2.1.20')).toEqual(['CVE-2026-99999'])
  })

  it('come with the edit for a version', async () => {
    url = ''
    const { findings, edit } = await advice.advise('v2.1.13', 'v2.1.18')
    expect(findings.map(({ id }) => id)).toContain('anonymous-metrics')
    expect(edit).toMatchObject({ ids: ['anonymous-metrics', 'request-time-limits'], required: true })
    expect(await advice.advise('v2.1.18', 'v2.1.18')).toEqual({
      findings: [expect.objectContaining({ id: 'callback-ui-backslash-bypass' })],
    })
  })

  it('bring no edit of their own', async () => {
    answer = says(JSON.stringify({ ...more, edits: [{}], changes: [] }))
    await advice.refresh()
    expect(JSON.parse(await readFile(join(home, 'cache', 'advice.json'), 'utf8'))).not.toHaveProperty(
      'facts.edits',
    )
    expect(await advice.edit('v2.1.20', 'v2.1.21')).toEqual({ offers: [] })
  })
})

function nested(depth: number): unknown {
  return depth === 0 ? { always: true } : { not: nested(depth - 1) }
}
