import type { Session, WebContents } from 'electron'
import type { Result } from '../contract/result.ts'
import type { SignInRequest } from '../contract/sign-in.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import type { Questions } from './questions.ts'
import { SignInAttempt } from './sign-in-attempt.ts'

export interface SignIn {
  /**
   * Opens the window and resolves when the sign-in has ended; while it is open, a second call joins the first and brings
   * it to the front. It is closed when `signal` is aborted.
   */
  open(request: SignInRequest, signal?: AbortSignal): Promise<Result<null>>
  /** Whether a page is one of the sign-in, not of ours. */
  owns(contents: WebContents): boolean
  destroy(): void
}

interface Options {
  electron: Pick<ElectronApi, 'BrowserWindow' | 'session'>
  clock: Pick<Clock, 'now' | 'setTimer'>
  questions: Pick<Questions, 'confirm' | 'show'>
  log(message: string, error?: unknown): void
}

/** In memory: a partition without "persist:". */
const partition = 'zotbar-sign-in'

/**
 * The window for signing in at the registry. Its session is apart from all others, and is emptied before and after
 * every attempt; its pages have neither preload nor bridge.
 */
export function createSignIn({ electron, clock, questions, log }: Options): SignIn {
  let session: Session | undefined
  let current: SignInAttempt | undefined

  function openSession(): Session {
    if (session) return session
    session = electron.session.fromPartition(partition, { cache: false })
    session.on('will-download', event => event.preventDefault())
    return session
  }

  async function clearSession(): Promise<void> {
    if (!session) return
    try {
      await session.clearStorageData()
      await session.clearAuthCache()
      await session.closeAllConnections()
    } catch (error) {
      log('The session of the sign-in could not be emptied', error)
    }
  }

  function release(attempt: SignInAttempt): void {
    if (current === attempt) current = undefined
  }

  return {
    open(request, signal) {
      if (current) {
        current.focus()
        return current.result
      }
      const attempt = new SignInAttempt(
        { electron, clock, questions, log, openSession, clearSession, release },
        request,
      )
      current = attempt
      signal?.addEventListener('abort', () => attempt.stop(), { once: true })
      return attempt.result
    },
    owns: contents => session !== undefined && contents.session === session,
    destroy: () => current?.stop(),
  }
}
