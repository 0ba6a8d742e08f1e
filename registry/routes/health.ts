import type { Exchange } from '../http/exchange.ts'
import { sendBytes, sendEmpty, sendFailure } from '../http/responder.ts'
import type { RouteContext } from './context.ts'
import { baseHeaders } from './gate.ts'

const ok = Buffer.from('ok')
const live = (exchange: Exchange): undefined => sendBytes(exchange, 200, 'text/plain; charset=utf-8', ok)

/** Whether the process lives, whether it should get work, and whether it speaks this API. */
export function healthRoutes({ storage, state, gate }: RouteContext) {
  const ready = async (exchange: Exchange): Promise<void> => {
    if (state.draining) return sendFailure(exchange, { name: 'draining' })
    const reachable = await storage.reachable()
    if (!reachable.ok) return sendFailure(exchange, { ...reachable.error, name: 'not-ready' })
    live(exchange)
  }
  const base = (exchange: Exchange): undefined => sendEmpty(exchange, 200, baseHeaders(exchange, gate))
  return {
    live: { GET: live, HEAD: live },
    ready: { GET: ready, HEAD: ready },
    base: { GET: base, HEAD: base },
  }
}
