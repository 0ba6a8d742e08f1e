import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createOlderSecrets, ownNewSecrets } from '../../../core/secrets/older-secrets.ts'
import { openSecrets } from '../../../core/secrets/secrets.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { keychain } from './pretend-keychain.ts'

const admin = 'admin in /etc/zot/htpasswd'
const key = 'key/127.0.0.1:5050/zot-ci/current'
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-older-'))
  writeFileSync(join(home, 'admin.json'), '{}')
  writeFileSync(join(home, 'home.json'), '{"format":1,"id":"x"}')
})
afterEach(() => rmSync(home, { recursive: true }))

const homeFile = () => JSON.parse(readFileSync(join(home, 'home.json'), 'utf8')) as Record<string, unknown>

/** The older app's items, and a core of this home. */
function rig(accounts = [admin, key]) {
  const held = keychain()
  for (const account of accounts) held.items.set(account, `old of ${account}`)
  const logged: string[] = []
  /** A new life of the core. */
  function core() {
    const system = openSystemKeychain({ load: held.load })
    const older = createOlderSecrets({
      home,
      keychain: system,
      accounts: async () => accounts,
      log: (message, data) => logged.push(message, JSON.stringify(data)),
    })
    const call = older.handlers
    return {
      system,
      older,
      list: async () => {
        const listed = await call.olderApp({}, 'app')
        return listed.ok ? listed.value.accounts : listed.error.code
      },
      takeOver: async (items: { account: string; secret: string | null }[]) => {
        const answer = await call.takeOver({ items }, 'app')
        if (!answer.ok) throw new Error(answer.error.code)
        return answer.value
      },
    }
  }
  const all = () => accounts.map(account => ({ account, secret: held.items.get(account) ?? null }))
  return { held, logged, core, all }
}

describe('secrets of an older Zotbar', () => {
  it('are taken over once, and home.json remembers', async () => {
    const { held, logged, core, all } = rig()
    const { list, takeOver } = core()
    expect(await list()).toEqual([admin, key])
    expect(await takeOver(all())).toEqual({ taken: [admin, key], failed: [] })
    expect(Object.fromEntries(held.items)).toEqual({ [admin]: `old of ${admin}`, [key]: `old of ${key}` })
    expect(await list()).toEqual([])
    expect(await core().list()).toEqual([])
    expect(homeFile()).toEqual({ format: 1, id: 'x', secrets: 'core' })
    expect(logged.join()).not.toContain('old of')
  })

  it('are items of their own, not changed ones', async () => {
    const { held, core, all } = rig([admin])
    const deleted: string[] = []
    const load = held.load
    held.load = () => {
      const real = load()
      return {
        ...real,
        async deletePassword(service, account) {
          deleted.push(account)
          return real.deletePassword(service, account)
        },
      }
    }
    await core().takeOver(all())
    expect(deleted).toContain(admin)
  })

  it('are listed until each was taken; one that is not there is not asked for again', async () => {
    const { core } = rig()
    const { list, takeOver } = core()
    expect(await takeOver([{ account: admin, secret: null }])).toEqual({ taken: [admin], failed: [] })
    expect(await list()).toEqual([key])
    expect(await core().list()).toEqual([key])
    expect(await takeOver([{ account: key, secret: 'k' }])).toEqual({ taken: [key], failed: [] })
    expect(homeFile()['secrets']).toBe('core')
  })

  it('are taken from nobody for an account that was never listed', async () => {
    const { held, core } = rig([admin])
    expect(await core().takeOver([{ account: 'somebody', secret: 'x' }])).toEqual({ taken: [], failed: [] })
    expect(held.items.has('somebody')).toBe(false)
  })

  it('are named where the keychain denies one, and the others are taken', async () => {
    const { held, core, all } = rig()
    const load = held.load
    held.load = () => {
      const real = load()
      return {
        ...real,
        async setPassword(service, account, secret) {
          if (account.includes('zot-ci')) throw new Error('User canceled the operation.')
          return real.setPassword(service, account, secret)
        },
      }
    }
    const { list, takeOver } = core()
    const answer = await takeOver(all())
    expect(answer.taken).toEqual([admin])
    expect(answer.failed).toMatchObject([{ account: key, error: { code: 'keychain-denied' } }])
    expect(held.items.get(key)).toBe(`old of ${key}`)
    expect(await list()).toEqual([key])
  })

  it('handed over by two apps at once are taken once', async () => {
    const { held, core, all } = rig()
    const { takeOver } = core()
    const [one, two] = await Promise.all([takeOver(all()), takeOver(all())])
    expect([...one.taken, ...two.taken].sort()).toEqual([admin, key].sort())
    expect(held.items.size).toBe(2)
  })

  it('do not replace what the core has stored since they were read', async () => {
    const { held, core, all } = rig([admin])
    const { system, takeOver } = core()
    const stale = all()
    await openSecrets({ home, keychain: system }).set(admin, 'newer')
    expect(await takeOver(stale)).toEqual({ taken: [admin], failed: [] })
    expect(held.items.get(admin)).toBe('newer')
  })

  it('are whole after a kill at any instant, in one place or the other', async () => {
    for (let left = 0, whole = false; !whole; left += 1) {
      writeFileSync(join(home, 'home.json'), '{"format":1}')
      const { held, core, all } = rig([admin])
      held.writesLeft = left
      whole = (await core().takeOver(all())).failed.length === 0
      held.writesLeft = Number.POSITIVE_INFINITY
      const next = core()
      expect(await next.older.recover()).toEqual({ ok: true, value: null })
      expect(held.items.get(admin)).toBe(`old of ${admin}`)
      await next.takeOver(all())
      expect(Object.fromEntries(held.items)).toEqual({ [admin]: `old of ${admin}` })
      expect(await next.list()).toEqual([])
    }
  })
})

const failed = (message: string): never => {
  throw new Error(message)
}

describe('a home without secrets', () => {
  it('has none of an older Zotbar from its beginning', async () => {
    rmSync(join(home, 'admin.json'))
    await ownNewSecrets(home, failed)
    writeFileSync(join(home, 'admin.json'), '{}')
    expect(await rig().core().list()).toEqual([])
    expect(homeFile()).toEqual({ format: 1, id: 'x', secrets: 'core' })
  })

  it('is told from one that has some', async () => {
    await ownNewSecrets(home, failed)
    expect(await rig().core().list()).toEqual([admin, key])
    expect(homeFile()).toEqual({ format: 1, id: 'x' })
  })
})
