import { contextBridge, ipcRenderer } from 'electron'
import { clientOver, type Events, eventNames } from '../contract/contract.ts'
import type { AppBridge, CoreLink } from '../contract/core-link.ts'

// The same names as in the app's IPC file. A page gets the bridge below, never a channel or an event object.
const channels = {
  call: 'zotbar:call',
  listen: 'zotbar:listen',
  event: 'zotbar:event',
  start: 'zotbar:start-core',
}

type PageEvents = Events & { link: CoreLink }
type Listeners = { [E in keyof PageEvents]: Set<(value: PageEvents[E]) => void> }
const listeners: Listeners = { snapshot: new Set(), log: new Set(), link: new Set() }
const names: readonly string[] = [...eventNames, 'link']

function on<E extends keyof PageEvents>(event: E, listener: (value: PageEvents[E]) => void): () => void {
  const set: Set<(value: PageEvents[E]) => void> = listeners[event]
  // Wrapped, so that the same function subscribed twice ends twice.
  const entry = (value: PageEvents[E]) => listener(value)
  set.add(entry)
  // A link is sent to each listener as it is, so each of them asks.
  if (set.size === 1 || event === 'link') ipcRenderer.send(channels.listen, event, true)
  return () => {
    if (set.delete(entry) && set.size === 0) ipcRenderer.send(channels.listen, event, false)
  }
}

const emit = <E extends keyof PageEvents>(name: E, value: PageEvents[E]): void => {
  const set: Set<(value: PageEvents[E]) => void> = listeners[name]
  for (const listener of set) listener(value)
}
const isName = (name: string): name is keyof PageEvents => names.includes(name)
ipcRenderer.on(channels.event, (_, name: string, value) => {
  if (isName(name)) emit(name, value)
})

const bridge: AppBridge = {
  ...clientOver((name, input) => ipcRenderer.invoke(channels.call, name, input)),
  on,
  onLink: listener => on('link', listener),
  startCore: () => ipcRenderer.send(channels.start),
}
contextBridge.exposeInMainWorld('zotbar', bridge)
