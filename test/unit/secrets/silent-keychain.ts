import { setImmediate as turn } from 'node:timers/promises'
import type { Keychain } from '../../../lib/keychain.ts'

/** A keychain that answers each question when it is told to. */
export function silentKeychain() {
  const items = new Map<string, string>()
  const waiting: (() => void)[] = []
  const held = {
    items,
    /** The questions so far, as "get admin". */
    asked: [] as string[],
    /** How many it was asked at once, at most. */
    most: 0,
    /** Answers at once from now on, and what waits. */
    open: false,
    load: (): Keychain => ({
      getPassword: (_, account) => question(`get ${account}`, () => items.get(account) ?? null),
      setPassword: (_, account, secret) => question(`set ${account}`, () => void items.set(account, secret)),
      deletePassword: (_, account) => question(`delete ${account}`, () => items.delete(account)),
    }),
    /** Lets what waits be answered, and all that comes after it. */
    async answer(): Promise<void> {
      held.open = true
      for (const go of waiting.splice(0)) go()
      for (let turns = 0; turns < 20; turns += 1) await turn()
    },
  }
  async function question<T>(name: string, answer: () => T): Promise<T> {
    held.asked.push(name.replace(/probe\/.*/, 'probe'))
    if (!held.open) {
      held.most = Math.max(held.most, waiting.length + 1)
      await new Promise<void>(resolve => waiting.push(resolve))
    }
    return answer()
  }
  return held
}
