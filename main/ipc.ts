import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron'
import { type EventName, type Events, eventNames } from '../contract/contract.ts'
import type { CoreLink } from '../contract/core-link.ts'
import { fail, type Result } from '../contract/result.ts'
import type { AppCore } from './app-core.ts'
import { isOwn } from './navigation-guard.ts'
import type { PageCall } from './page-calls.ts'

/** The channels; the preload names the same. */
export const channels = {
  call: 'zotbar:call',
  listen: 'zotbar:listen',
  event: 'zotbar:event',
  start: 'zotbar:start-core',
} as const

/** What a page may listen to: the core's events, and whether there is a core. */
const pageEvents = [...eventNames, 'link'] as const
type PageEvent = (typeof pageEvents)[number]

export interface PageService {
  core: Pick<AppCore, 'on' | 'setLooking'>
  link(): CoreLink
  /** Returns the end of the subscription. */
  onLink(listener: (link: CoreLink) => void): () => void
  startCore(): void
  call: PageCall
  /** A call from a page that is not ours, or a command that threw. */
  log(message: string, error?: unknown): void
}

/** The contract over Electron's IPC: the only file of the app that touches it. Returns its end. */
export function serveIpc(
  ipcMain: Pick<IpcMain, 'handle' | 'on' | 'removeHandler' | 'removeAllListeners'>,
  service: PageService,
): () => void {
  const { core, link, onLink, startCore, call, log } = service
  const listeners: Record<PageEvent, Set<WebContents>> = {
    snapshot: new Set(),
    log: new Set(),
    link: new Set(),
  }
  const subscriptions = new Map<PageEvent, () => void>()
  /** The pages that have a listener for their end, so that each has one only. */
  const watched = new WeakSet<WebContents>()

  const send = (event: PageEvent, value: Events[EventName] | CoreLink): void => {
    for (const page of listeners[event]) page.send(channels.event, event, value)
  }

  /** Subscribes to the core only while a page listens, because following the log costs reads. */
  function subscribe(event: PageEvent): void {
    if (subscriptions.has(event)) return
    subscriptions.set(
      event,
      event === 'link' ? onLink(value => send(event, value)) : core.on(event, value => send(event, value)),
    )
    // Health is probed more often while somebody looks.
    if (event === 'snapshot') core.setLooking(true)
  }

  function leave(event: PageEvent, page: WebContents): void {
    listeners[event].delete(page)
    if (listeners[event].size > 0 || !subscriptions.has(event)) return
    subscriptions.get(event)?.()
    subscriptions.delete(event)
    if (event === 'snapshot') core.setLooking(false)
  }

  ipcMain.handle(channels.call, async (event, name: unknown, input: unknown): Promise<Result<unknown>> => {
    if (!isOwnPage(event)) {
      log(`Refused a call from ${event.senderFrame?.url ?? 'a frame that is gone'}`)
      return fail({ code: 'not-authorised', reason: 'wrong-sender' })
    }
    const command = typeof name === 'string' ? name : ''
    try {
      return await call(command, input, event.sender)
    } catch (error) {
      log(`The command ${command} failed`, error)
      return fail({ code: 'unexpected', where: command })
    }
  })

  ipcMain.on(channels.listen, (event, name: unknown, wanted: unknown) => {
    const eventName = pageEvents.find(known => known === name)
    if (!isOwnPage(event)) return log(`Refused to send events to ${event.senderFrame?.url ?? 'nobody'}`)
    if (eventName === undefined) return log(`There is no event of the name that a page asked for`)
    const page = event.sender
    if (wanted !== true) return leave(eventName, page)
    listeners[eventName].add(page)
    subscribe(eventName)
    if (eventName === 'link') page.send(channels.event, eventName, link())
    if (watched.has(page)) return
    watched.add(page)
    page.once('destroyed', () => {
      for (const name of pageEvents) leave(name, page)
    })
  })

  ipcMain.on(channels.start, event => {
    if (isOwnPage(event)) startCore()
    else log(`Refused to start a core for ${event.senderFrame?.url ?? 'nobody'}`)
  })

  return () => {
    ipcMain.removeHandler(channels.call)
    ipcMain.removeAllListeners(channels.listen)
    ipcMain.removeAllListeners(channels.start)
    for (const end of subscriptions.values()) end()
    subscriptions.clear()
  }
}

/** The main frame of a page of our own origin; frames inside it, and any other page, are strangers. */
function isOwnPage(event: IpcMainInvokeEvent | IpcMainEvent): boolean {
  const frame = event.senderFrame
  return frame !== null && frame.parent === null && isOwn(frame.url)
}
