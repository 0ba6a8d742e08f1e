import type { Failure } from '../../contract/failure.ts'
import { fail, type Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { createEmitter } from '../../lib/emitter.ts'
import { type Keychain, loadKeychain } from '../../lib/keychain.ts'
import { serialQueue } from '../../lib/serial-queue.ts'

/**
 * The one door to the system's keychain, for all of the core. An answer is waited for as long as it takes: a prompt may
 * stand on a screen that nobody looks at. Each question holds one of the few threads that Node reads files with, so there
 * is one at a time.
 */
export interface SystemKeychain {
  /** One operation after the other, each with as many questions as it needs. What it throws is what the keychain said. */
  use<T>(operation: (keychain: Keychain) => Promise<Result<T>>): Promise<Result<T>>
  /** Whether somebody waits for an operation. */
  isBusy(): boolean
  /** Whether this core has changed the item of the account. */
  hasWritten(account: string): boolean
  /** A notice while a question has stood unanswered for 3 s. */
  notice(): Notice | undefined
  /** Calls back when `notice` answers another one; returns the end of the subscription. */
  onNotice(listener: () => void): () => void
}

/** An open keychain answers within milliseconds: after so long somebody is being asked. */
const noticeAfterMs = 3_000

interface Options {
  load?: () => Keychain
  clock?: Clock
  platform?: NodeJS.Platform
}

/** Loads the keychain at once, because its package may be gone later; where that fails, again with each operation. */
export function openSystemKeychain({
  load = loadKeychain,
  clock = systemClock(),
  platform = process.platform,
}: Options = {}): SystemKeychain {
  const queue = serialQueue()
  const events = createEmitter<{ notice: undefined }>()
  let notice: Notice | undefined
  let keychain: Keychain | undefined
  let asked = 0
  let operations = 0
  const written = new Set<string>()

  function setNotice(next: Notice | undefined): void {
    if (notice === next) return
    notice = next
    events.emit('notice')
  }

  async function ask<T>(question: () => Promise<T>): Promise<T> {
    asked += 1
    const id = `keychain-asks:${asked}`
    const at = clock.now()
    const stopTimer = clock.setTimer(
      at + noticeAfterMs,
      () => setNotice({ kind: 'keychain-asks', id, at, macos: platform === 'darwin' }),
      { unref: true },
    )
    process.on('exit', exitWithoutThreads)
    try {
      return await question()
    } finally {
      process.off('exit', exitWithoutThreads)
      stopTimer()
      setNotice(undefined)
    }
  }

  const open = (): Keychain => {
    const loaded = load()
    return {
      getPassword: (...item) => ask(() => loaded.getPassword(...item)),
      async setPassword(service, account, secret) {
        await ask(() => loaded.setPassword(service, account, secret))
        written.add(account)
      },
      async deletePassword(service, account) {
        const wasThere = await ask(() => loaded.deletePassword(service, account))
        if (wasThere) written.add(account)
        return wasThere
      },
    }
  }
  try {
    keychain = open()
  } catch {
    // Said by the first operation, which tries again.
  }

  return {
    use(operation) {
      operations += 1
      return queue.run(async () => {
        try {
          keychain ??= open()
          return await operation(keychain)
        } catch (error) {
          return fail(keychainFailure(error))
        } finally {
          operations -= 1
        }
      })
    },
    isBusy: () => operations > 0,
    hasWritten: account => written.has(account),
    notice: () => notice,
    onNotice: listener => events.on('notice', listener),
  }
}

/**
 * Node joins its threads when it ends, and one that waits for a keychain never comes back: the process is replaced by
 * one that ends with the same code.
 */
function exitWithoutThreads(code: number): void {
  process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {})
}

/** What a keychain's error means. libsecret, gnome-keyring and the Security framework each have words of their own. */
export function keychainFailure(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error)
  if (text.includes('native addon')) return unavailable('libsecret is not installed')
  // keytar tells on the next lines where it looked.
  const reason = (text.split('\n')[0] ?? '').slice(0, 200).replace(/\.$/, '')
  if (/interaction is not allowed|is locked|locked collection/i.test(text))
    return { code: 'keychain-locked', reason }
  if (/cancel|denied|dismiss|authorization|passphrase you entered/i.test(text))
    return { code: 'keychain-denied', reason }
  return unavailable(reason)
}

const unavailable = (reason: string): Failure => ({ code: 'keychain-unavailable', reason })
