import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'

/** How it answers instead of well. */
export type ForgejoMode =
  | 'well'
  | 'no-scope'
  | 'unprocessable'
  | 'busy'
  | 'broken'
  | 'html'
  | 'silent'
  | 'cut'
  | 'endless'
  | 'echo'
  | 'redirect'

interface Options {
  token: string
  /** "owner/repository". */
  repositories?: string[]
  organisations?: string[]
  tls?: { key: string; cert: string }
}

/**
 * The part of Forgejo's API that keeps Actions secrets, with its documented answers: 201 for a new one, 204 for one that
 * was there, 400 for a bad name, 401 and 403 for a bad token, 404 for what is not there.
 */
export async function fakeForgejo({ token, repositories = [], organisations = [], tls }: Options) {
  const secrets = new Map<string, string>()
  const asked: { method: string; path: string; body: string }[] = []
  let mode: ForgejoMode = 'well'

  const json = (response: ServerResponse, status: number, body?: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }

  /** The path of a secret's owner, where it exists: "/repos/a/b", "/orgs/a", "/user". */
  const known = (owner: string): boolean =>
    owner === '/user' ||
    repositories.some(name => owner === `/repos/${name}`) ||
    organisations.some(name => owner === `/orgs/${name}`)

  function put(owner: string, name: string, body: string, response: ServerResponse) {
    const value: unknown = JSON.parse(body).data
    if (typeof value !== 'string') return json(response, 422, { message: '[Data]: Required' })
    if (!/^[A-Z_][A-Z0-9_]*$/i.test(name) || /^(GITHUB|GITEA|FORGEJO)_/i.test(name))
      return json(response, 400, { message: 'invalid secret name' })
    const key = `${owner}/${name.toUpperCase()}`
    const status = secrets.has(key) ? 204 : 201
    secrets.set(key, value)
    return json(response, status)
  }

  function answer(request: IncomingMessage, body: string, response: ServerResponse) {
    const path = (request.url ?? '').split('?')[0] ?? ''
    asked.push({ method: request.method ?? '', path: request.url ?? '', body })
    switch (mode) {
      case 'no-scope':
        return json(response, 403, {
          message: 'token does not have at least one of required scope(s): [write:repository]',
        })
      case 'unprocessable':
        return json(response, 422, { message: `cannot use ${body}` })
      case 'busy':
        return json(response, 429, { message: 'slow down' })
      case 'broken':
        return json(response, 500, { message: '' })
      case 'html':
        response.writeHead(502, { 'content-type': 'text/html' })
        return response.end('<h1>Bad gateway</h1>')
      case 'silent':
        return
      case 'cut':
        response.writeHead(200, { 'content-length': 100 })
        response.write('{')
        return response.destroy()
      case 'endless':
        response.writeHead(200)
        for (let time = 0; time < 200; time += 1) response.write('x'.repeat(10_000))
        return
      case 'echo':
        return json(response, 400, { message: `${body} ${request.headers.authorization}` })
      case 'redirect':
        response.writeHead(302, { location: 'https://elsewhere.example.org/login?next=%2F' })
        return response.end()
      case 'well':
        break
    }
    const below = path.replace(/^\/api\/v1/, '')
    if (below === '/version') return json(response, 200, { version: '11.0.1+gitea-1.22.0' })
    if (request.headers.authorization !== `token ${token}`)
      return json(response, 401, { message: 'invalid username, password or token' })
    const [, owner = '', name] = /^(.*)\/actions\/secrets(?:\/([^/]+))?$/.exec(below) ?? []
    if (!known(owner === '' ? below : owner)) return json(response, 404, { message: 'not found' })
    if (owner === '') return json(response, 200, { name: below })
    if (request.method === 'PUT' && name !== undefined)
      return put(owner, decodeURIComponent(name), body, response)
    const names = [...secrets.keys()].filter(key => key.startsWith(`${owner}/`))
    return json(
      response,
      200,
      names.map(key => ({ name: key.slice(owner.length + 1), created_at: '2026-01-01T00:00:00Z' })),
    )
  }

  const listen = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => answer(request, Buffer.concat(chunks).toString('utf8'), response))
  }
  const server = tls ? createSecure(tls, listen) : createServer(listen)
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    secrets,
    asked,
    answer: (how: ForgejoMode) => {
      mode = how
    },
    close: () => {
      server.closeAllConnections()
      return new Promise<void>(done => server.close(() => done()))
    },
  }
}
