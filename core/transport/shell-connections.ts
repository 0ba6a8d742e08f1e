import { randomUUID } from 'node:crypto'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import {
  type ShellAnswer,
  type ShellCapability,
  type ShellEvents,
  type ShellRequest,
  shellCapabilities,
} from '../../contract/shell.ts'
import { createEmitter } from '../../lib/emitter.ts'
import { type AskOptions, ShellRequests } from './shell-requests.ts'

/** An app at the control socket, with its event stream. */
interface ShellPeer {
  pid: number
  offers: readonly ShellCapability[]
  send<E extends keyof ShellEvents>(event: E, value: ShellEvents[E]): void
  setLooking(looking: boolean): void
}

/** The apps that are connected, and what is asked of their screens. */
export interface ShellConnections {
  /** What at least one of them offers, in the order of the contract. */
  offers(): ShellCapability[]
  /** Told when that may have changed. */
  onChange(listener: () => void): () => void
  /** Returns the end of the connection; what only it was asked ends then with `shell-gone`. */
  connect(peer: ShellPeer): () => void
  /**
   * Asks one app, or all that offer it; one that connects meanwhile is asked too. The first answer counts, and the
   * others hear that the request is withdrawn, and by whom it was answered. Fails with `no-screen` where nobody offers
   * it, with `shell-gone` when the last one that was asked has gone.
   */
  ask(request: ShellRequest, options?: AskOptions): Promise<Result<ShellAnswer>>
  handlers: ZotbarHandlers['shell']
}

export function createShellConnections(): ShellConnections {
  const peers = new Map<string, ShellPeer>()
  const changes = createEmitter<{ changed: undefined }>()
  const nameOf = (connection: string): string => {
    const pid = peers.get(connection)?.pid
    return pid === undefined ? 'an app that has gone' : `an app (process ${pid})`
  }
  const requests = new ShellRequests({
    nameOf,
    onOver({ id, by, others }) {
      for (const connection of others)
        peers.get(connection)?.send('withdrawn', { id, ...(by === undefined ? {} : { by }) })
    },
  })

  return {
    offers: () =>
      shellCapabilities.filter(capability =>
        [...peers.values()].some(({ offers }) => offers.includes(capability)),
      ),
    onChange: listener => changes.on('changed', listener),
    connect(peer) {
      const connection = randomUUID()
      peers.set(connection, peer)
      peer.send('connected', { connection })
      for (const request of requests.join(connection, ({ kind }) => peer.offers.includes(kind)))
        peer.send('request', request)
      changes.emit('changed')
      return () => {
        if (!peers.delete(connection)) return
        requests.leave(connection)
        changes.emit('changed')
      }
    },
    ask(ask, options = {}) {
      const { connection: named } = options
      const asked = [...peers].filter(
        ([id, { offers }]) => offers.includes(ask.kind) && (named === undefined || id === named),
      )
      if (asked.length === 0) return Promise.resolve(fail({ code: 'no-screen', missing: ask.kind }))
      const id = randomUUID()
      const answer = requests.open(id, ask, options, new Set(asked.map(([connection]) => connection)))
      for (const [, peer] of asked) peer.send('request', { id, ask })
      return answer
    },
    handlers: {
      answer: async ({ id, answer }, _, connection) => requests.answer(id, answer, connection),
      arrived: ({ id, cookies }, _, connection) => requests.arrived(id, cookies, connection),
      async looking({ looking }, _, connection) {
        const peer = connection === undefined ? undefined : peers.get(connection)
        if (!peer) return fail({ code: 'shell-gone' })
        peer.setLooking(looking)
        return ok(null)
      },
    },
  }
}
