import { describe, expect, it } from 'vitest'
import { type FoundKey, leakReport } from '../../../core/rotation/leak-report.ts'
import { requestsIn } from '../../../core/rotation/logged-requests.ts'

const user = 'zot-ci'
const leaked = { uuid: 'leaked', label: '', createdAt: '2026-03-01T10:00:00Z' }
const ownAgent = 'zotbar (run 0a1b2c)'

interface Line {
  at: string
  method?: string
  path: string
  status?: number
  by?: string
  from?: string
  agent?: string
  keyId?: string
  forwardedFor?: string
}

/** A line of the log as both engines write it; zot's has no `keyId`. */
const line = (request: Line): string =>
  JSON.stringify({
    time: `2026-03-02T${request.at}Z`,
    level: 'info',
    message: 'HTTP API',
    ...(request.by === '' ? {} : { username: request.by ?? user }),
    clientIP: `${request.from ?? '10.0.0.7'}:51324`,
    method: request.method ?? 'GET',
    path: request.path,
    statusCode: request.status ?? 200,
    headers: {
      'User-Agent': [request.agent ?? 'curl/8.1'],
      ...(request.forwardedFor === undefined ? {} : { 'X-Forwarded-For': [request.forwardedFor] }),
    },
    ...(request.keyId === undefined ? {} : { keyId: request.keyId }),
  })
const begin = JSON.stringify({
  time: '2026-02-01T00:00:00Z',
  level: 'info',
  message: 'configuration settings',
})
const key = (uuid: string, at: string, isRevoked = true): FoundKey => ({
  uuid,
  label: `label of ${uuid}`,
  createdAt: `2026-03-02T${at}Z`,
  isRevoked,
})

async function report(lines: string[], found: FoundKey[] = []): Promise<string[]> {
  const log = await requestsIn(lines, { user, ownAgent })
  return leakReport({ user, leaked, log, found }).map(
    ({ title, words, state }) => `${state === 'passed' ? '+ ' : ''}${title}: ${words}`,
  )
}

const keyPath = '/zot/auth/apikey'

describe('the report after a leak', () => {
  it('has the keys first, then what was changed, then what was read, and never this run', async () => {
    const parts = await report(
      [
        begin,
        line({ at: '10:00:00', method: 'POST', path: keyPath, status: 201 }),
        line({ at: '10:00:30', method: 'DELETE', path: `${keyPath}?id=backup` }),
        line({ at: '10:01:00', method: 'PUT', path: '/v2/team/app/manifests/1', status: 201 }),
        line({ at: '10:02:00', method: 'PUT', path: '/v2/team/app/manifests/2', status: 201 }),
        line({ at: '10:03:00', method: 'DELETE', path: '/v2/team/app/manifests/1', status: 202 }),
        line({ at: '10:04:00', path: '/v2/team/app/manifests/2', from: '10.0.0.8', agent: 'skopeo/1.9' }),
        line({ at: '10:04:01', path: '/v2/_catalog', from: '10.0.0.8', agent: 'skopeo/1.9' }),
        line({ at: '10:05:00', path: '/v2/_catalog', by: 'somebody' }),
        // This run: as zot logs it, every one by the same user from the same address.
        line({ at: '10:06:00', method: 'POST', path: keyPath, status: 201, agent: ownAgent }),
        line({
          at: '10:06:01',
          method: 'PUT',
          path: '/v2/team/app/manifests/2',
          status: 400,
          agent: ownAgent,
        }),
        line({ at: '10:06:02', path: '/v2/team/app/tags/list', agent: ownAgent }),
      ],
      [key('thief', '09:59:59.7')],
    )
    expect(parts).toEqual([
      '2026-03-02 10:00:30 UTC, from 10.0.0.7 with curl/8.1: Revoked the key backup (DELETE /zot/auth/apikey: 200)',
      '2026-03-02 10:00:00 UTC, from 10.0.0.7 with curl/8.1: Created the key “label of thief”, thief, which is revoked now (POST /zot/auth/apikey: 201)',
      '2026-03-02 10:03:00 UTC, from 10.0.0.7 with curl/8.1: Deleted in team/app (1): 1\u00a0request, 202',
      '2026-03-02 10:02:00 UTC last, from 10.0.0.7 with curl/8.1: Pushed to team/app (2, 1): 2\u00a0requests, 201',
      '2026-03-02 10:04:01 UTC last, from 10.0.0.8 with skopeo/1.9: Read /v2/_catalog, team/app: 2\u00a0requests, 200',
      'Which key it was: The log names zot-ci and not the key: what was done with a password or another key of zot-ci is among these',
      '+ The log goes back to 2026-02-01 00:00:00 UTC: The key is younger',
    ])
  })

  it('takes an upload that was only begun for no push', async () => {
    const uploads = '/v2/team/app/blobs/uploads'
    const began = [
      line({ at: '10:00:00', method: 'POST', path: `${uploads}/`, status: 202 }),
      line({ at: '10:00:01', method: 'DELETE', path: `${uploads}/1`, status: 204 }),
    ]
    expect((await report([begin, ...began]))[0]).toMatch(/Only began an upload to team\/app: 2\u00a0requests/)
    const sent = line({ at: '10:00:02', method: 'PATCH', path: `${uploads}/2`, status: 202 })
    expect((await report([begin, ...began, sent]))[0]).toMatch(/Pushed to team\/app: 3\u00a0requests/)
    const mounted = line({ at: '10:00:03', method: 'POST', path: `${uploads}/?mount=x`, status: 201 })
    expect((await report([begin, ...began, mounted]))[0]).toMatch(/Pushed to team\/app/)
  })

  it('tells keys apart where the log does: the leaked one first', async () => {
    const parts = await report(
      [
        begin,
        line({ at: '10:00:00', method: 'POST', path: keyPath, status: 201, keyId: 'leaked' }),
        line({ at: '10:01:00', method: 'POST', path: keyPath, status: 403, keyId: 'thief' }),
      ],
      [{ ...key('thief', '09:59:59.9', false), mintedBy: 'leaked' }],
    )
    expect(parts).toEqual([
      expect.stringContaining('Created the key “label of thief”, thief, which still works'),
      expect.stringContaining('Tried to create a key: 1\u00a0request, 403'),
      expect.stringContaining('The log goes back'),
    ])
  })

  it('takes what a key created for no key that the administration created in the same second', async () => {
    const parts = await report(
      [begin, line({ at: '10:00:01', method: 'POST', path: keyPath, status: 201, keyId: 'leaked' })],
      [key('by hand', '10:00:00.9'), { ...key('thief', '10:00:00.95'), mintedBy: 'leaked' }],
    )
    expect(parts[0]).toContain('Created the key “label of thief”')
  })

  it('takes one creation for one key, and says that a key is gone again', async () => {
    const parts = await report(
      [
        begin,
        line({ at: '10:00:01', method: 'POST', path: keyPath, status: 201 }),
        line({ at: '10:00:02', method: 'POST', path: keyPath, status: 201 }),
        line({ at: '11:00:00', method: 'POST', path: keyPath, status: 201 }),
      ],
      [key('b', '10:00:01.900'), key('a', '10:00:00.900')],
    )
    expect(parts.slice(0, 3)).toEqual([
      expect.stringContaining(
        '11:00:00 UTC, from 10.0.0.7 with curl/8.1: Created a key that is not listed any more',
      ),
      expect.stringMatching(/10:00:02 .*“label of b”/),
      expect.stringMatching(/10:00:01 .*“label of a”/),
    ])
  })

  it('names a session that created a key, though zot names nobody in its line', async () => {
    const session = line({
      at: '10:00:00',
      method: 'POST',
      path: keyPath,
      status: 201,
      by: '',
      agent: 'Firefox',
    })
    expect((await report([begin, session], [key('thief', '10:00:00')]))[0]).toContain(
      'with Firefox: Created the key',
    )
    expect(await report([begin, session])).toEqual([
      '+ Requests of zot-ci: None in the log but those of this run',
      expect.stringContaining('The log goes back'),
    ])
  })

  it('knows the creation of the leaked key for what it is', async () => {
    const created = line({ at: '10:00:00', method: 'POST', path: keyPath, status: 201 })
    const log = await requestsIn([begin, created], { user, ownAgent })
    const younger = { ...leaked, createdAt: '2026-03-02T10:00:00Z' }
    expect(leakReport({ user, leaked: younger, log, found: [] })[0]?.words).toMatch(/^Created the leaked key/)
  })

  it('names whom a proxy asks for', async () => {
    const [first] = await report([begin, line({ at: '10:00:00', path: '/v2/', forwardedFor: '203.0.113.9' })])
    expect(first).toContain('from 10.0.0.7, which names 203.0.113.9, with curl/8.1')
  })

  it('says what the log cannot say', async () => {
    expect(await report([])).toEqual([
      'The registry’s log: It is empty or cannot be read: nothing is known of who used the key',
    ])
    expect(await report(['(log.output is a pipe)'])).toHaveLength(1)
    expect(await report([begin])).toEqual([expect.stringContaining('It has no requests, as log.level')])
    const young = await report([line({ at: '10:00:00', path: '/v2/' })])
    expect(young.at(-1)).toBe(
      'The log goes back to 2026-03-02 10:00:00 UTC: The key was created on 2026-03-01 10:00:00 UTC: what was done with it before the log begins is not known',
    )
  })

  it('lets no number of requests hide a key that was created', async () => {
    const tries = (status: number) =>
      Array.from({ length: 3000 }, () => line({ at: '10:00:09', method: 'POST', path: keyPath, status }))
    const made = line({ at: '10:00:00', method: 'POST', path: keyPath, status: 201 })
    const parts = await report([begin, made, ...tries(403)], [key('thief', '10:00:00')])
    expect(parts.slice(0, 2)).toEqual([
      expect.stringContaining('Created the key “label of thief”'),
      expect.stringContaining('Tried to create a key: 3,000\u00a0requests, 403'),
    ])
    const many = await report([begin, ...tries(201)])
    expect(many).toHaveLength(100 + 1 + 2)
    expect(many[100]).toContain('And 2,900\u00a0more changes of keys: They are in the log')
  })

  it('counts what it has no room for', async () => {
    const lines = Array.from({ length: 25 }, (_, at) =>
      line({ at: '10:00:00', path: '/v2/', from: `10.0.1.${at}` }),
    )
    const parts = await report([begin, ...lines])
    expect(parts).toHaveLength(20 + 1 + 2)
    expect(parts[20]).toBe('And 5\u00a0more clients: They are in the log: zotbar logs')
  })
})
