import { registryRequest } from '../platform/node-http.ts'

/** One GET: the status code, or undefined when there was no answer within `limitMs`. Never rejects. */
export type Probe = (url: string, limitMs: number) => Promise<number | undefined>

/** A connection of its own each time: a kept one would say nothing about new clients. */
export const probeHttp: Probe = (url, limitMs) =>
  new Promise(resolve => {
    const request = registryRequest(url, { agent: false, headers: { 'user-agent': 'zotbar' } })
    const timer = setTimeout(() => done(undefined), limitMs)
    function done(status: number | undefined) {
      clearTimeout(timer)
      resolve(status)
      if (status === undefined) request.destroy()
    }
    request.on('response', response => {
      response.on('error', () => {})
      response.resume()
      done(response.statusCode)
    })
    request.on('error', () => done(undefined))
    request.end()
  })
