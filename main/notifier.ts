import { plainText } from '../contract/messages/format.ts'
import { type Notification, nothingNotified, notificationsFor } from '../contract/messages/notifications.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'

export interface NotifierOptions {
  electron: Pick<ElectronApi, 'Notification'>
  clock: Pick<Clock, 'now'>
  /** The `notifications` setting, read when there is something to show. */
  isWanted(): boolean
  /** The notification was clicked, or its button. */
  clicked(notification: Notification): void
}

/** Shows a native notification for each event that deserves one. Returns what takes the snapshots. */
export function createNotifier(options: NotifierOptions): (snapshot: Snapshot) => void {
  const { electron, clock, isWanted, clicked } = options
  let notified = nothingNotified
  // Held until closed: a notification that is collected as garbage loses its click.
  const open = new Set<object>()
  return snapshot => {
    const next = notificationsFor(notified, snapshot, clock.now())
    notified = next.state
    if (next.notifications.length === 0 || !electron.Notification.isSupported() || !isWanted()) return
    for (const notification of next.notifications) {
      const { title, body, offers } = notification
      const shown = new electron.Notification({
        title: plainText(title),
        body: plainText(body),
        ...(offers === 'rotate' ? { actions: [{ type: 'button' as const, text: 'Rotate now…' }] } : {}),
      })
      open.add(shown)
      shown.on('click', () => clicked(notification))
      shown.on('action', () => clicked(notification))
      shown.on('close', () => open.delete(shown))
      shown.on('failed', () => open.delete(shown))
      shown.show()
    }
  }
}
