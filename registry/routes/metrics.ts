import type { Exchange } from '../http/exchange.ts'
import { sendBytes, sendFailure } from '../http/responder.ts'
import { challenge, type Gate } from './gate.ts'

export interface MetricsPage {
  readonly contentType: string
  text(): Promise<string>
}

/** The figures for Prometheus. As in zot, whoever may not read them hears 401, an admin too. */
export function metricsRoute(metrics: MetricsPage | undefined, gate: Gate) {
  const get = async (exchange: Exchange): Promise<void> => {
    if (!metrics) return sendFailure(exchange, { name: 'route-unknown' })
    if (!gate.rules.access.mayScrape(exchange.identity)) {
      return sendFailure(exchange, { name: 'unauthorized' }, challenge(exchange, gate))
    }
    sendBytes(exchange, 200, metrics.contentType, Buffer.from(await metrics.text()))
  }
  return { GET: get, HEAD: get }
}
