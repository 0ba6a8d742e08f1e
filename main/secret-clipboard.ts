import type { ZotbarHandlers } from '../contract/contract.ts'
import { clipboardMs } from '../contract/messages/key-message.ts'
import { fail, ok } from '../contract/result.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import type { Questions } from './questions.ts'

interface Options {
  clipboard: Pick<ElectronApi['clipboard'], 'writeText' | 'readText' | 'clear'>
  clock: Pick<Clock, 'now' | 'setTimer'>
  questions: Pick<Questions, 'confirm'>
}

/**
 * The secrets of keys as a window gets them: shown after a native confirmation, and copied for 45 s. Text that was
 * copied after them stays on the clipboard.
 */
export function createSecretClipboard({ clipboard, clock, questions }: Options) {
  let copiedSecret: string | undefined
  let stopTimer = (): void => {}

  function clear(): void {
    stopTimer()
    if (copiedSecret !== undefined && clipboard.readText() === copiedSecret) clipboard.clear()
    copiedSecret = undefined
  }

  return {
    /** Clears the secret from the clipboard now, if it is still there. */
    clear,
    handlers(handlers: ZotbarHandlers): ZotbarHandlers {
      return {
        ...handlers,
        keys: {
          ...handlers.keys,
          async showSecret(input, caller) {
            const agreed = await questions.confirm({
              title: `Show the key of ${input.user}?`,
              body: 'Who sees it can sign in with it until it is revoked. It stands in the window until it is hidden.',
              confirm: 'Show',
            })
            return agreed ? handlers.keys.showSecret(input, caller) : fail({ code: 'cancelled' })
          },
          async copySecret({ secret }) {
            stopTimer()
            clipboard.writeText(secret)
            copiedSecret = secret
            stopTimer = clock.setTimer(clock.now() + clipboardMs, clear)
            return ok(null)
          },
        },
      }
    },
  }
}
