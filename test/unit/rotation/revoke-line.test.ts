import { describe, expect, it } from 'vitest'
import { fail, ok } from '../../../contract/result.ts'
import type { KeyAccess } from '../../../core/rotation/key-access.ts'
import type { ListedKey } from '../../../core/rotation/key-client.ts'
import { revokeLine } from '../../../core/rotation/revoke-line.ts'

/** Keys by name, each with the line that it came from, oldest first; a thief makes others while they are revoked. */
function registry(lines: Record<string, string[]>, options: { knows?: boolean; thief?: string[] } = {}) {
  const { knows = true, thief = [] } = options
  const living = new Map(Object.entries(lines))
  const gone: string[] = []
  const access: KeyAccess = {
    by: 'admin-socket',
    list: async () =>
      ok([...living.keys()].map(uuid => ({ uuid, label: `label of ${uuid}`, createdAt: 't' }) as ListedKey)),
    async revoke(uuid) {
      // With a key that still works, just before one of them goes.
      const by = [...living].find(([name, line]) => name !== uuid && line.includes(uuid) && name !== 'new')
      const made = by && thief.shift()
      if (by && made !== undefined) living.set(made, [...by[1], by[0]])
      living.delete(uuid)
      gone.push(uuid)
      return ok(knows ? [...living].filter(([, line]) => line.includes(uuid)).map(([name]) => name) : [])
    },
  }
  return { access, living, gone }
}

describe('a leaked key', () => {
  it('takes along all that came out of it, also past links that are gone, and nothing else', async () => {
    const { access, living } = registry({
      leaked: ['older'],
      child: ['older', 'leaked'],
      grandchild: ['older', 'leaked', 'gone', 'child'],
      cousin: ['older'],
      other: [],
    })
    const line = await revokeLine(access, 'leaked', undefined)
    expect(line.ok && line.value.map(({ uuid, label }) => [uuid, label])).toEqual([
      ['child', 'label of child'],
      ['grandchild', 'label of grandchild'],
    ])
    expect([...living.keys()]).toEqual(['cousin', 'other'])
  })

  it('leaves none that a thief makes meanwhile', async () => {
    const { access, living } = registry(
      { leaked: [], child: ['leaked'] },
      { thief: ['late 1', 'late 2', 'late 3'] },
    )
    const line = await revokeLine(access, 'leaked', undefined)
    expect(line.ok && line.value.map(({ uuid }) => uuid)).toEqual(expect.arrayContaining(['child', 'late 1']))
    expect([...living.keys()]).toEqual([])
  })

  it('spares the key that takes its place, though it came out of it', async () => {
    const { access, living } = registry({ leaked: [], new: ['leaked'], stolen: ['leaked'] })
    const line = await revokeLine(access, 'leaked', 'new')
    expect(line.ok && line.value.map(({ uuid }) => uuid)).toEqual(['stolen'])
    expect([...living.keys()]).toEqual(['new'])
  })

  it('goes alone where the engine does not know which key made another, as zot', async () => {
    const { access, gone } = registry({ leaked: [], child: ['leaked'] }, { knows: false })
    expect(await revokeLine(access, 'leaked', undefined)).toEqual(ok([]))
    expect(gone).toEqual(['leaked'])
  })

  it('is not taken for revoked where the registry is away', async () => {
    const { access } = registry({ leaked: [] })
    const away = fail({ code: 'registry-unreachable', reason: 'away' })
    expect(await revokeLine({ ...access, revoke: async () => away }, 'leaked', undefined)).toBe(away)
    expect(await revokeLine({ ...access, list: async () => away }, 'leaked', undefined)).toBe(away)
  })
})
