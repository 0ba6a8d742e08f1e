import type { KeptCore } from '../client/keep-core.ts'
import type { ClientHello } from '../contract/hello.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { AppCore } from './app-core.ts'
import type { ElectronApi } from './electron-api.ts'
import { prepareSessionEnd } from './session-end.ts'

interface Deps {
  electron: Pick<ElectronApi, 'Notification'>
  core: Pick<AppCore, 'as' | 'link' | 'snapshot' | 'leave'>
  kept: Pick<KeptCore, 'quit'>
  socketPath: string
  hello: ClientHello
  /** To the terminal that the app was started in, if any. */
  say(text: string): void
  log(message: string, error?: unknown): void
}

/** A notification that was not shown within this time, in ms, holds up the end no longer. */
const shownWithinMs = 1_000

/**
 * What becomes of the core when the app ends: one that the app keeps ends with it, unless it is to keep serving; one that
 * a terminal or a service keeps goes on, and that is said once.
 */
export function createCoreEnd({ electron, core, kept, socketPath, hello, say, log }: Deps) {
  async function sayGoesOn({ app: { keeper, pid }, preferences }: Snapshot): Promise<void> {
    const title = 'The registry goes on'
    const starter = keeper === 'service' ? 'as a service' : 'with zotbar start'
    const body = `Zotbar's background process ${pid} was started ${starter}, so it stays. End it with: zotbar quit`
    say(`${title}. ${body}`)
    if (!electron.Notification.isSupported() || preferences?.notifications === false) return
    await new Promise<void>(resolve => {
      const notification = new electron.Notification({ title, body })
      notification.on('show', () => resolve())
      notification.on('failed', () => resolve())
      setTimeout(resolve, shownWithinMs)
      notification.show()
    })
  }

  return {
    async quit(): Promise<void> {
      const isLive = core.link().kind === 'live'
      core.leave()
      // A setting that was changed a moment ago may not be in the snapshot that came last.
      const asked = isLive ? await core.as('app').app.snapshot({}) : undefined
      const last = asked?.ok ? asked.value : core.snapshot()
      if (isLive && last && last.app.keeper !== 'app') return sayGoesOn(last)
      const ended = await kept.quit({ keepServing: last?.preferences?.keepServing === true })
      if (!ended.ok) log(`The core could not be ended: ${ended.error.code}`)
    },
    prepareSessionEnd() {
      const now = core.snapshot()
      // A terminal and a service end theirs, or have it outlive the session.
      if (now?.app.keeper !== 'app') return { notify() {}, close() {} }
      const { pid } = now.app
      const ending = prepareSessionEnd({ socketPath, hello })
      return {
        notify() {
          // The pid of a core that has gone may be another program's by now.
          if (!ending.notify() && core.link().kind === 'live') terminate(pid)
        },
        close: ending.close,
      }
    },
  }
}

/** It ends the registry too, and takes a little longer for it. */
function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has ended.
  }
}
