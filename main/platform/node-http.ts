import type { ClientRequest, RequestOptions } from 'node:http'

/**
 * node:http without what comes with `import`: an ES import reads every export, and one of them (WebSocket) loads all
 * of Node's built-in fetch. That costs a process 13 MB and 40 ms before its first request.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http')

/**
 * `request` for the registry's address, http or https. Its certificate is made out for the name that clients use, and is
 * not checked: it is the app's own registry, on this machine, known by its process.
 */
export function registryRequest(url: string, options: RequestOptions): ClientRequest {
  if (!url.startsWith('https:')) return request(url, options)
  // An agent of node:http would refuse an address of https.
  const { agent: _, ...rest } = options
  const https = process.getBuiltinModule('node:https')
  return https.request(url, { ...rest, agent: false, rejectUnauthorized: false })
}
