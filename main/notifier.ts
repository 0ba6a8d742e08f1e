import { plain } from '../contract/messages/format.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { type Notification, nothingNotified, notificationsFor } from '../core/notices/notifications.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'

export interface NotifierOptions {
  electron: Pick<ElectronApi, 'Notification'>
  clock: Pick<Clock, 'now'>
  /** The `notifications` setting, read when there is something to tell. */
  wanted(): boolean
  /** It was clicked, or the button that it offers. */
  clicked(telling: Notification): void
}

/** Shows a native notification for each occurrence that deserves one. Returns what takes the snapshots. */
export function createNotifier(options: NotifierOptions): (snapshot: Snapshot) => void {
  const { electron, clock, wanted, clicked } = options
  let watch = nothingNotified
  // Held until closed: a notification that is collected as garbage loses its click.
  const open = new Set<object>()
  return snapshot => {
    const seen = notificationsFor(watch, snapshot, clock.now())
    watch = seen.watch
    if (seen.tell.length === 0 || !electron.Notification.isSupported() || !wanted()) return
    for (const telling of seen.tell) {
      const { title, body, offers } = telling
      const shown = new electron.Notification({
        title: plain(title),
        body: plain(body),
        ...(offers === 'rotate' ? { actions: [{ type: 'button' as const, text: 'Rotate now…' }] } : {}),
      })
      open.add(shown)
      shown.on('click', () => clicked(telling))
      shown.on('action', () => clicked(telling))
      shown.on('close', () => open.delete(shown))
      shown.on('failed', () => open.delete(shown))
      shown.show()
    }
  }
}
