import { describe, expect, it } from 'vitest'
import { choiceRows } from '../../../contract/messages/choice-message.ts'
import { failureMessage } from '../../../contract/messages/failure-message.ts'
import { plainText } from '../../../contract/messages/format.ts'
import { undecidedMessage } from '../../../contract/messages/undecided-message.ts'
import { zotStore } from '../../fakes/undecided.ts'

const now = new Date(2026, 2, 12, 14, 2, 0).getTime()
const store = zotStore(now)
const row = (rows: ReturnType<typeof choiceRows>, name: string) => rows.find(one => one.name === name)

describe('what each program changes', () => {
  it('says of zot that all goes on, and of zotbar-registry what does not', () => {
    const rows = choiceRows(store)
    expect(rows.map(({ name }) => name)).toEqual([
      'Images',
      'Keys, sign-in',
      'Pull-through',
      'config.json',
      'Way back',
    ])
    expect(rows.every(({ zot }) => zot.mark === 'fine')).toBe(true)
    expect(row(rows, 'Keys, sign-in')?.zotbarRegistry).toMatchObject({ mark: 'attention' })
    expect(row(rows, 'Pull-through')?.zotbarRegistry).toEqual({
      mark: 'attention',
      title: 'No pull-through',
      lines: ['zotbar-registry does not pull through: what upstreams hold is not found.'],
    })
    expect(row(rows, 'config.json')?.zotbarRegistry.title).toBe('Read as it is')
  })

  it('names what is refused and what has no effect by its place', () => {
    const ldap = { keyPath: 'http.auth.ldap', line: 7, column: 3, message: 'needs the zot engine' }
    const effect = (config: Partial<typeof store.config>) =>
      row(choiceRows({ ...store, config: { ...store.config, ...config } }), 'config.json')?.zotbarRegistry
    expect(effect({ refused: [ldap] })).toEqual({
      mark: 'down',
      title: 'Refuses one part of config.json: it does not start',
      lines: ['line 7, column 3, http.auth.ldap: needs the zot engine'],
    })
    expect(effect({ withoutEffect: [ldap, { ...ldap, keyPath: 'http.x' }] })).toMatchObject({
      mark: 'attention',
      title: 'Two parts of config.json have no effect',
    })
  })

  it('says whose keys end by who served the folder, and nothing of keys where nobody knows', () => {
    const empty = { ...store.found, databases: [] }
    const { was: _, ...unknown } = { ...store, found: empty }
    expect(row(choiceRows(unknown), 'Keys, sign-in')).toBeUndefined()
    const ours = { ...unknown, was: { servedBy: { engine: 'zotbar-registry' as const, ours: true } } }
    expect(row(choiceRows(ours), 'Keys, sign-in')).toMatchObject({
      zot: { mark: 'attention' },
      zotbarRegistry: { mark: 'fine' },
    })
  })

  it('says that zotbar-registry asks before it serves everyone', () => {
    expect(row(choiceRows(store), 'Other machines')).toBeUndefined()
    const open = { address: '[::]:5050', rights: [] }
    expect(row(choiceRows({ ...store, open }), 'Other machines')?.zotbarRegistry).toMatchObject({
      mark: 'attention',
      lines: ["zotbar settings set registry.open '[::]:5050'"],
    })
  })

  it('counts what is known against zot', () => {
    expect(row(choiceRows(store), 'Known faults')).toBeUndefined()
    expect(plainText(row(choiceRows(store, 3), 'Known faults')?.zot.title ?? '')).toBe(
      '3 advisories affect it',
    )
    expect(plainText(row(choiceRows(store, 1), 'Known faults')?.zot.title ?? '')).toBe(
      '1 advisory affects it',
    )
  })
})

describe('a data folder that is not the one it was', () => {
  const other = (holds: 'images' | 'nothing') =>
    undecidedMessage({ ...store, why: 'other-folder', found: { ...store.found, holds } }, now, 'this machine')
      .reason

  it('is not served, whether it holds nothing or something else', () => {
    expect(other('nothing')).toMatch(/^Nothing was started, so that nobody finds it without images\./)
    expect(other('images')).toMatch(/^Nothing was started, so that nobody finds other images\./)
  })

  it('that is not there is named once', () => {
    const missing = (parent: string) =>
      failureMessage({ code: 'data-volume-missing', path: '/Volumes/a/zot', parent }).steps[0]
    expect(missing('/Volumes/a/zot')).toBe('/Volumes/a/zot is not there.')
    expect(missing('/Volumes/a')).toBe('/Volumes/a/zot cannot be opened, because /Volumes/a is not there.')
    const below = failureMessage({ code: 'data-volume-missing', path: '/srv/out/zot', parent: '/srv/out' })
    expect(below.steps.at(-1)).toBe('If no volume belongs there, make the folder /srv/out yourself.')
  })
})
