import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type Data, type Fault, serveBytes, sha256Of, sizeOf } from './served-bytes.ts'

export type { Data, Fault }
export { sha256Of }

export interface ServedAsset {
  name: string
  data: Data
  /** What the list says: its real digest unless given, none with null. */
  digest?: string | null
  /** What the list says; its real size unless given. */
  size?: number
}

interface ServedRelease {
  assets: ServedAsset[]
  notes?: string
  publishedAt?: string
  draft?: boolean
  prerelease?: boolean
}

interface Asked {
  host: 'api' | 'web' | 'assets'
  path: string
  headers: IncomingMessage['headers']
  status: number
}

/** Behaves as GitHub's API and downloads do: Link, ETag, rate limit, a redirect to another host, ranges. */
export interface ReleaseServer {
  /** For the setting `releases.url`. */
  url: string
  asked: Asked[]
  /** Adds a release, or replaces it. The newest comes first in the list. */
  put(version: string, release: ServedRelease): void
  remove(version: string): void
  fail(version: string, asset: string, fault: Fault | undefined): void
  /** What the API answers instead of itself, for so many times. */
  failApi(
    fault: { status: number; headers?: Record<string, string>; body?: string } | undefined,
    times?: number,
  ): void
  /** Releases on a page of the list. */
  perPage: number
  /** Where an asset is downloaded, as a browser would. */
  downloadUrl(version: string, asset: string): string
  close(): Promise<void>
}

interface Options {
  /** API and downloads over https; the assets' own host stays http with `assetsPlain`. */
  tls?: { key: Buffer; cert: Buffer; assetsPlain?: boolean }
  repository?: string
}

export async function startReleaseServer(options: Options = {}): Promise<ReleaseServer> {
  const { tls, repository = 'project-zot/zot' } = options
  const releases = new Map<string, ServedRelease>()
  const faults = new Map<string, Fault>()
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  let apiFault: { status: number; headers?: Record<string, string>; body?: string } | undefined
  let apiFaultTimes = 0

  const open = async (secure: boolean, answer: Answer): Promise<{ server: Server; url: string }> => {
    const on = (request: IncomingMessage, response: ServerResponse): void => {
      response.on('error', () => {})
      answer(request, response)
    }
    const server = secure && tls ? createTlsServer(tls, on) : createServer(on)
    server.on('connection', socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return { server, url: `${secure ? 'https' : 'http'}://127.0.0.1:${port}` }
  }

  const note = (host: Asked['host'], request: IncomingMessage, response: ServerResponse): void => {
    const entry = { host, path: request.url ?? '', headers: request.headers, status: 0 }
    asked.push(entry)
    response.on('close', () => {
      entry.status = response.statusCode
    })
  }

  const takeFault = (key: string): Fault | undefined => {
    const fault = faults.get(key)
    if (fault?.times === undefined) return fault
    if (fault.times <= 0) return undefined
    fault.times -= 1
    return fault
  }

  const assets = await open(tls !== undefined && tls.assetsPlain !== true, (request, response) => {
    note('assets', request, response)
    const key = decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname.slice(1))
    const [version = '', name = ''] = key.split('/')
    const asset = releases.get(version)?.assets.find(one => one.name === name)
    if (asset === undefined) return void response.writeHead(404).end('Not Found')
    serveBytes(request, response, asset.data, takeFault(key))
  })

  const api = await open(tls !== undefined, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
    const download = /^\/[^/]+\/[^/]+\/releases\/download\/([^/]+)\/([^/]+)$/.exec(pathname)
    if (download !== null) {
      note('web', request, response)
      const key = `${download[1]}/${download[2]}`
      const fault = faults.get(key)
      const to = fault?.kind === 'redirect' ? fault.to : `${assets.url}/${key}?sig=secret-of-the-host`
      return void response.writeHead(302, { location: to }).end()
    }
    note('api', request, response)
    if (apiFault !== undefined && apiFaultTimes > 0) {
      apiFaultTimes -= 1
      return void response
        .writeHead(apiFault.status, { 'content-type': 'application/json', ...apiFault.headers })
        .end(apiFault.body ?? '{"message":"no"}')
    }
    const base = `/repos/${repository}/releases`
    const all = [...releases].map(([version, release]) => listed(version, release)).reverse()
    if (pathname.startsWith(`${base}/tags/`)) {
      const found = all.find(one => one.tag_name === pathname.slice(base.length + 6))
      return json(request, response, found === undefined ? 404 : 200, found ?? { message: 'Not Found' })
    }
    if (pathname !== base) return json(request, response, 404, { message: 'Not Found' })
    const page = Number(searchParams.get('page') ?? 1)
    const last = Math.max(1, Math.ceil(all.length / server.perPage))
    const link = (n: number, rel: string) => `<${api.url}/repositories/1/x?page=${n}>; rel="${rel}"`
    const next = `<${api.url}${base}?per_page=100&page=${page + 1}>; rel="next"`
    const links = page < last ? { link: `${next}, ${link(last, 'last')}` } : {}
    json(request, response, 200, all.slice((page - 1) * server.perPage, page * server.perPage), links)
  })

  function listed(version: string, { assets: all, ...release }: ServedRelease) {
    return {
      tag_name: version,
      name: version,
      draft: release.draft ?? false,
      prerelease: release.prerelease ?? false,
      published_at: release.publishedAt ?? '2026-03-07T10:00:00Z',
      body: release.notes ?? `Notes of ${version}`,
      assets: all.map(asset => ({
        name: asset.name,
        size: asset.size ?? sizeOf(asset.data),
        digest: asset.digest === undefined ? `sha256:${sha256Of(asset.data)}` : asset.digest,
        browser_download_url: server.downloadUrl(version, asset.name),
      })),
    }
  }

  const server: ReleaseServer = {
    url: api.url,
    asked,
    perPage: 100,
    put: (version, release) => void releases.set(version, release),
    remove: version => void releases.delete(version),
    fail(version, asset, fault) {
      if (fault === undefined) faults.delete(`${version}/${asset}`)
      else faults.set(`${version}/${asset}`, { ...fault })
    },
    failApi(fault, times = Number.POSITIVE_INFINITY) {
      apiFault = fault
      apiFaultTimes = times
    },
    downloadUrl: (version, asset) => `${api.url}/${repository}/releases/download/${version}/${asset}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(
        [api, assets].map(one => new Promise<void>(resolve => one.server.close(() => resolve()))),
      )
    },
  }
  return server
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** `checksums.sha256.txt` as zot's releases have it. */
export const checksumsOf = (all: { name: string; data: Data }[]): ServedAsset => ({
  name: 'checksums.sha256.txt',
  data: all.map(({ name, data }) => `${sha256Of(data)} *${name}\n`).join(''),
})

function json(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
  more: Record<string, string> = {},
): void {
  const body = JSON.stringify(value)
  const etag = `W/"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`
  const headers = { etag, 'x-ratelimit-remaining': '59', 'x-ratelimit-limit': '60', ...more }
  if (status === 200 && request.headers['if-none-match'] === etag)
    return void response.writeHead(304, headers).end()
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' }).end(body)
}
