import { clipboardMs } from '../contract/messages/key-message.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'

interface Options {
  clipboard: Pick<ElectronApi['clipboard'], 'writeText' | 'readText' | 'clear'>
  clock: Pick<Clock, 'now' | 'setTimer'>
}

export interface SecretClipboard {
  /** Copies a secret for 45 s. */
  copy(secret: string): void
  /** Clears the secret from the clipboard now, if it is still there. */
  clear(): void
}

/** Secrets on the clipboard. Text that was copied after them stays there. */
export function createSecretClipboard({ clipboard, clock }: Options): SecretClipboard {
  let copiedSecret: string | undefined
  let stopTimer = (): void => {}

  function clear(): void {
    stopTimer()
    if (copiedSecret !== undefined && clipboard.readText() === copiedSecret) clipboard.clear()
    copiedSecret = undefined
  }

  return {
    copy(secret) {
      stopTimer()
      clipboard.writeText(secret)
      copiedSecret = secret
      stopTimer = clock.setTimer(clock.now() + clipboardMs, clear)
    },
    clear,
  }
}
