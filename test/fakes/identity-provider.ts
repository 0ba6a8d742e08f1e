import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import Provider from 'oidc-provider'

export const client = { id: 'zotbar', secret: 'a-secret-of-the-client' }

interface Person {
  readonly email: string
  readonly groups: readonly string[]
  readonly preferred_username?: string
}

interface Options {
  /** Of a client that sends no code challenge, as zot with a secret. */
  withoutPkce?: boolean
}

interface Listener {
  current: (req: IncomingMessage, res: ServerResponse) => void
}

/** A real OpenID provider on loopback, with a sign-in page that believes every name in `people`. */
export class IdentityProvider {
  readonly issuer: string
  readonly people = new Map<string, Person>()
  readonly #server: Server
  readonly #listener: Listener
  /** Of the issuer, without a slash at its end. */
  readonly #path: string

  private constructor(server: Server, port: number, listener: Listener, path: string) {
    this.issuer = `http://127.0.0.1:${port}${path}`
    this.#server = server
    this.#listener = listener
    this.#path = path.replace(/\/$/, '')
  }

  /** Listens; answers 503 until `serve`. `path`: of the issuer. */
  static async start(path = ''): Promise<IdentityProvider> {
    const listener: Listener = {
      current: (_req, res) => {
        res.writeHead(503).end()
      },
    }
    const server = createServer((req, res) => listener.current(req, res)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('no port')
    return new IdentityProvider(server, address.port, listener, path)
  }

  /** Begins to answer, for a registry at `registryUrl`. */
  serve(registryUrl: string, { withoutPkce = false }: Options = {}): void {
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: client.id,
          client_secret: client.secret,
          redirect_uris: [`${registryUrl}/zot/auth/callback/oidc`],
          response_types: ['code'],
          grant_types: ['authorization_code'],
        },
      ],
      claims: {
        openid: ['sub'],
        email: ['email'],
        groups: ['groups'],
        profile: ['preferred_username', 'groups'],
      },
      scopes: ['openid', 'email', 'groups', 'profile'],
      ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      pkce: { required: () => !withoutPkce },
      cookies: { keys: ['for tests'] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `${this.#path}/interaction/${uid}` },
      findAccount: (_ctx: unknown, id: string) => ({
        accountId: id,
        claims: () => ({ sub: id, ...this.people.get(id) }),
      }),
    })
    const answer = provider.callback()
    this.#listener.current = (req, res) => {
      this.#mount(req)
      if (!req.url?.startsWith('/interaction/')) return answer(req, res)
      this.#interact(provider, req, res).catch(error => {
        res.writeHead(500).end(String(error))
      })
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** As a router hands a request to what is mounted at a path of it. */
  #mount(req: IncomingMessage & { baseUrl?: string; originalUrl?: string | undefined }): void {
    if (this.#path === '' || !req.url?.startsWith(`${this.#path}/`)) return
    req.baseUrl = this.#path
    req.originalUrl = req.url
    req.url = req.url.slice(this.#path.length)
  }

  async #interact(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { prompt, params, session, grantId } = await provider.interactionDetails(req, res)
    if (prompt.name === 'consent') {
      if (grantId !== undefined || !session) throw new Error('not expected here')
      const grant = new provider.Grant({
        accountId: session.accountId,
        clientId: String(params['client_id']),
      })
      grant.addOIDCScope(String(params['scope']))
      return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } })
    }
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const name = new URLSearchParams(Buffer.concat(chunks).toString()).get('name') ?? ''
    if (req.method === 'POST' && this.people.has(name)) {
      return provider.interactionFinished(req, res, { login: { accountId: name } })
    }
    res.writeHead(200, { 'Content-Type': 'text/html' })
    res.end(
      `<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,"><main><h1>Provider</h1><form method="post"><label>Name <input name="name"></label><button>Continue</button></form></main>`,
    )
  }
}
