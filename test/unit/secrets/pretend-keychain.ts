import type { Keychain } from '../../../lib/keychain.ts'

/** A keychain that does as it is told: it fails with these words, or loses what it takes. */
export function keychain({ says }: { says?: string } = {}) {
  const items = new Map<string, string>()
  const at = (account: string) => {
    if (held.says !== undefined) throw new Error(held.says)
    return account
  }
  const count = () => {
    if (held.writesLeft === 0) throw new Error('gone')
    held.writesLeft -= 1
  }
  const held = {
    items,
    says,
    forgetful: false,
    locked: false,
    /** After so many it is as if the app had been killed. */
    writesLeft: Number.POSITIVE_INFINITY,
    load: (): Keychain => ({
      getPassword: async (_service, account) => (held.locked ? null : (items.get(at(account)) ?? null)),
      setPassword: async (_service, account, secret) => {
        if (held.locked) throw new Error('Cannot create an item in a locked collection')
        count()
        if (!held.forgetful) items.set(at(account), secret)
      },
      deletePassword: async (_service, account) => {
        if (held.locked) return false
        count()
        return items.delete(at(account))
      },
    }),
  }
  return held
}
