import type { Exchange } from '../http/exchange.ts'
import { sendBytes, sendFailure } from '../http/responder.ts'

export interface MetricsPage {
  readonly contentType: string
  text(): Promise<string>
}

/** Whether this request may read the metrics. */
export type MayScrape = (exchange: Exchange) => 200 | 401 | Promise<200 | 401>

/** The figures for Prometheus. */
export function metricsRoute(metrics: MetricsPage, mayScrape: MayScrape) {
  const get = async (exchange: Exchange): Promise<void> => {
    if ((await mayScrape(exchange)) === 401) return sendFailure(exchange, { name: 'unauthorized' })
    sendBytes(exchange, 200, metrics.contentType, Buffer.from(await metrics.text()))
  }
  return { GET: get, HEAD: get }
}
