import { describe, expect, it } from 'vitest'
import { switchFindings } from '../../../core/engine-switch/switch-findings.ts'

describe('what a switch means', () => {
  const facts = { configFile: '/c.json', apiKeys: true, sessions: true, pullThrough: true, search: true }
  const ids = (
    from: 'zot' | 'zotbar-registry',
    to: 'zot' | 'zotbar-registry',
    more: Partial<typeof facts> = {},
  ) => switchFindings(from, to, { ...facts, ...more }).map(({ id }) => id)

  it('is said before it begins', () => {
    expect(ids('zotbar-registry', 'zot')).toEqual([
      'api-keys',
      'sessions',
      'key-scopes',
      'pull-through',
      'image-times',
    ])
    expect(ids('zot', 'zotbar-registry')).toEqual(['api-keys', 'sessions', 'pull-through', 'search'])
    expect(ids('zot', 'zotbar-registry', { apiKeys: false, sessions: false, search: false })).toEqual([
      'pull-through',
    ])
    expect(ids('zot', 'zot')).toEqual([])
  })
})
