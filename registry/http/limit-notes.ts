import type { Logger } from '../log/logger.ts'
import type { Client } from './client.ts'

/** Who floods with connections must not flood the log, too, ms. */
const tellLimitEvery = 60_000

/** Tells the log of one server that its connections reached a limit, at most once a minute. `now` in ms. */
export function limitNotes(
  logger: Pick<Logger, 'log'>,
  now: () => number = () => performance.now(),
): (client: Client) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return ({ key }) => {
    const at = now()
    if (at - toldAt < tellLimitEvery) return
    toldAt = at
    logger.log('warn', 'too many connections are open: the longest idle ones are closed', { client: key })
  }
}
