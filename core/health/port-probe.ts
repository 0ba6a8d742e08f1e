import { connect } from 'node:net'
import { failureReason, formatMilliseconds, type Probe } from './probe.ts'

const limitMs = 2000

/** Does anything accept a connection? */
export const portProbe: Probe = {
  id: 'port',
  run: async ({ url, monotonic }) => {
    const { hostname, port, protocol } = new URL(url)
    const started = monotonic()
    const problem = await reach(
      hostname.replace(/^\[|\]$/g, ''),
      Number(port || (protocol === 'https:' ? 443 : 80)),
    )
    const tookMs = monotonic() - started
    return problem === undefined
      ? { id: 'port', outcome: 'passed', tookMs, detail: formatMilliseconds(tookMs) }
      : { id: 'port', outcome: 'failed', tookMs, detail: problem }
  },
}

/** Undefined when the connection stands, else why not. */
const reach = (host: string, to: number): Promise<string | undefined> =>
  new Promise(resolve => {
    const socket = connect({ host, port: to, timeout: limitMs })
    const end = (problem: string | undefined) => {
      resolve(problem)
      socket.destroy()
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end(`no answer within ${limitMs / 1000} s`))
    socket.once('error', error => end(failureReason(error, limitMs)))
  })
