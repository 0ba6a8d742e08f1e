import { contextBridge, ipcRenderer } from 'electron'
import {
  clientOver,
  type EventName,
  type Events,
  eventNames,
  type ZotbarBridge,
} from '../contract/contract.ts'

// The same three names as in the app's IPC file. A page gets the bridge below, never a channel or an event object.
const channels = { call: 'zotbar:call', listen: 'zotbar:listen', event: 'zotbar:event' }

type Listeners = { [E in EventName]: Set<(value: Events[E]) => void> }
const listeners: Listeners = { snapshot: new Set(), log: new Set() }

function on<E extends EventName>(event: E, listener: (value: Events[E]) => void): () => void {
  const set: Set<(value: Events[E]) => void> = listeners[event]
  // Wrapped, so that the same function subscribed twice ends twice.
  const entry = (value: Events[E]) => listener(value)
  set.add(entry)
  if (set.size === 1) ipcRenderer.send(channels.listen, event, true)
  return () => {
    if (set.delete(entry) && set.size === 0) ipcRenderer.send(channels.listen, event, false)
  }
}

const emit = <E extends EventName>(name: E, value: Events[E]): void => {
  const set: Set<(value: Events[E]) => void> = listeners[name]
  for (const listener of set) listener(value)
}
ipcRenderer.on(channels.event, (_, name: EventName, value) => {
  if (eventNames.includes(name)) emit(name, value)
})

const bridge: ZotbarBridge = {
  ...clientOver((name, input) => ipcRenderer.invoke(channels.call, name, input)),
  on,
}
contextBridge.exposeInMainWorld('zotbar', bridge)
