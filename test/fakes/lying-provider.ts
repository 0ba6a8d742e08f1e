import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { client } from './identity-provider.ts'

type Claims = Record<string, unknown>

/** What the provider says, and how it lies. Whatever is set replaces what an honest one would say. */
export interface Lies {
  idToken?: Claims
  userInfo?: Claims
  metadata?: Claims
  /** Signs with a key that it does not publish. */
  forgedSignature?: boolean
  unsigned?: boolean
  /** Answers the token request with this status. */
  tokenStatus?: number
}

/** An OpenID provider that says anything: for the checks on what comes back. */
export class LyingProvider {
  readonly issuer: string
  lies: Lies = {}
  requests: string[] = []
  readonly #server: Server
  readonly #key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  readonly #codes = new Map<string, { nonce: string; challenge: string; redirectUri: string }>()

  private constructor(server: Server, port: number) {
    this.#server = server
    this.issuer = `http://127.0.0.1:${port}`
    server.on('request', (req, res) => void this.#answer(req, res))
  }

  static async start(port = 0): Promise<LyingProvider> {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('no port')
    return new LyingProvider(server, address.port)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Does what a person does at the provider; answers the path and query the browser is sent back to. */
  approve(authorizationUrl: string): string {
    const query = new URL(authorizationUrl).searchParams
    const text = (name: string): string => query.get(name) ?? ''
    if (text('response_type') !== 'code' || text('code_challenge_method') !== 'S256')
      throw new Error('not PKCE')
    const code = randomBytes(8).toString('hex')
    const redirectUri = text('redirect_uri')
    this.#codes.set(code, { nonce: text('nonce'), challenge: text('code_challenge'), redirectUri })
    const back = new URL(redirectUri)
    back.searchParams.set('code', code)
    back.searchParams.set('state', text('state'))
    return back.pathname + back.search
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { issuer, lies } = this
    const path = (req.url ?? '').split('?')[0] ?? ''
    this.requests.push(path)
    const json = (status: number, value: object): void => {
      res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    }
    if (path === '/.well-known/openid-configuration') {
      return json(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        userinfo_endpoint: `${issuer}/userinfo`,
        end_session_endpoint: `${issuer}/end`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        ...lies.metadata,
      })
    }
    if (path === '/jwks') {
      return json(200, {
        keys: [{ ...this.#key.publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'RS256', use: 'sig' }],
      })
    }
    if (path === '/userinfo')
      return json(200, lies.userInfo ?? { sub: '1', email: 'alice@example.com', groups: ['dev'] })
    if (path === '/token') {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk)
      const body = new URLSearchParams(Buffer.concat(chunks).toString())
      if (lies.tokenStatus !== undefined) return json(lies.tokenStatus, { error: 'server_error' })
      const known = this.#codes.get(body.get('code') ?? '')
      this.#codes.delete(body.get('code') ?? '')
      const challenge = createHash('sha256')
        .update(body.get('code_verifier') ?? '')
        .digest('base64url')
      const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
      if (req.headers.authorization !== basic) return json(401, { error: 'invalid_client' })
      if (!known || known.challenge !== challenge || known.redirectUri !== body.get('redirect_uri')) {
        return json(400, { error: 'invalid_grant' })
      }
      const now = Math.floor(Date.now() / 1000)
      const honest = {
        iss: issuer,
        aud: client.id,
        sub: '1',
        iat: now,
        exp: now + 300,
        nonce: known.nonce,
        groups: ['ops'],
      }
      return json(200, {
        access_token: 'access',
        token_type: 'Bearer',
        id_token: this.#sign({ ...honest, ...lies.idToken }),
      })
    }
    json(404, {})
  }

  #sign(claims: Claims): string {
    const { forgedSignature, unsigned } = this.lies
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part(unsigned ? { alg: 'none' } : { alg: 'RS256', kid: 'a' })}.${part(claims)}`
    if (unsigned) return `${text}.`
    const key: KeyObject = forgedSignature
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : this.#key.privateKey
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`
  }
}
