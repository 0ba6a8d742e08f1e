import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron'
import type { Caller } from '../contract/caller.ts'
import { type EventName, type Events, eventNames, type ZotbarHandlers } from '../contract/contract.ts'
import { dispatch, needsAgreement } from '../contract/dispatch.ts'
import type { Host } from '../contract/host.ts'
import { fail, type Result } from '../contract/result.ts'
import { isOwn } from './navigation-guard.ts'

/** The channels; the preload names the same three. */
export const channels = { call: 'zotbar:call', listen: 'zotbar:listen', event: 'zotbar:event' } as const

export interface PageService {
  host: Host
  /** The handlers a window gets: the host's, with what a window must confirm. */
  handlers: ZotbarHandlers
  /** A call from a page that is not ours, or a handler that threw. */
  log(message: string, error?: unknown): void
}

/** The contract over Electron's IPC: the only file of the app that touches it. Returns its end. */
export function serveIpc(
  ipcMain: Pick<IpcMain, 'handle' | 'on' | 'removeHandler' | 'removeAllListeners'>,
  { host, handlers, log }: PageService,
): () => void {
  const listeners: Record<EventName, Set<WebContents>> = { snapshot: new Set(), log: new Set() }
  const subscriptions = new Map<EventName, () => void>()
  /** The pages that have a listener for their end, so that each has one only. */
  const watched = new WeakSet<WebContents>()

  /** Subscribes to the app only while a page listens, because following the log costs reads. */
  function subscribe<E extends EventName>(event: E): void {
    if (subscriptions.has(event)) return
    subscriptions.set(
      event,
      host.on(event, (value: Events[E]) => {
        for (const page of listeners[event]) page.send(channels.event, event, value)
      }),
    )
  }

  function leave(event: EventName, page: WebContents): void {
    listeners[event].delete(page)
    if (listeners[event].size > 0) return
    subscriptions.get(event)?.()
    subscriptions.delete(event)
  }

  ipcMain.handle(channels.call, async (event, name: unknown, input: unknown): Promise<Result<unknown>> => {
    if (!isOwnPage(event)) {
      log(`Refused a call from ${event.senderFrame?.url ?? 'a frame that is gone'}`)
      return fail({ code: 'not-authorised', reason: 'wrong-sender' })
    }
    const command = typeof name === 'string' ? name : ''
    try {
      return await dispatch(handlers, command, input, callerFor(command))
    } catch (error) {
      log(`The command ${command} failed`, error)
      return fail({ code: 'unexpected', where: command })
    }
  })

  ipcMain.on(channels.listen, (event, name: unknown, wanted: unknown) => {
    const eventName = eventNames.find(known => known === name)
    if (!isOwnPage(event)) return log(`Refused to send events to ${event.senderFrame?.url ?? 'nobody'}`)
    if (eventName === undefined) return log(`There is no event of the name that a page asked for`)
    const page = event.sender
    if (wanted !== true) return leave(eventName, page)
    listeners[eventName].add(page)
    subscribe(eventName)
    if (watched.has(page)) return
    watched.add(page)
    page.once('destroyed', () => {
      for (const name of eventNames) leave(name, page)
    })
  })

  return () => {
    ipcMain.removeHandler(channels.call)
    ipcMain.removeAllListeners(channels.listen)
    for (const end of subscriptions.values()) end()
    subscriptions.clear()
  }
}

/** What a page gets only after a question is asked about by the handlers; quitting is the app's own. */
const callerFor = (command: string): Caller =>
  needsAgreement(command) ? 'agreed' : command === 'app.quit' ? 'app' : 'page'

/** The main frame of a page of our own origin; frames inside it, and any other page, are strangers. */
function isOwnPage(event: IpcMainInvokeEvent | IpcMainEvent): boolean {
  const frame = event.senderFrame
  return frame !== null && frame.parent === null && isOwn(frame.url)
}
