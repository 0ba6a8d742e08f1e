import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import Provider from 'oidc-provider'

export const client = { id: 'zotbar', secret: 'a-secret-of-the-client' }

interface Person {
  readonly email: string
  readonly groups: readonly string[]
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

  private constructor(server: Server, port: number, listener: Listener) {
    this.issuer = `http://127.0.0.1:${port}`
    this.#server = server
    this.#listener = listener
  }

  /** Listens; answers 503 until `serve`. */
  static async start(): Promise<IdentityProvider> {
    const listener: Listener = {
      current: (_req, res) => {
        res.writeHead(503).end()
      },
    }
    const server = createServer((req, res) => listener.current(req, res)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('no port')
    return new IdentityProvider(server, address.port, listener)
  }

  /** Begins to answer, for a registry at `registryUrl`. */
  serve(registryUrl: string): void {
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
      claims: { openid: ['sub'], email: ['email'], groups: ['groups'] },
      scopes: ['openid', 'email', 'groups'],
      ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      pkce: { required: () => true },
      cookies: { keys: ['for tests'] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
      findAccount: (_ctx: unknown, id: string) => ({
        accountId: id,
        claims: () => ({ sub: id, ...this.people.get(id) }),
      }),
    })
    const answer = provider.callback()
    this.#listener.current = (req, res) => {
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
