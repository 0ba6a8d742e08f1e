import { createAccess } from './auth/access.ts'
import { type KeyPolicy, keyPolicyOf } from './auth/api-key.ts'
import { createAuthenticator } from './auth/authenticator.ts'
import type { HtpasswdProblem } from './auth/htpasswd.ts'
import { type Htpasswd, openHtpasswd } from './auth/htpasswd.ts'
import type { Identity } from './auth/identity.ts'
import { createPasswordPool, type PasswordPool } from './auth/password-pool.ts'
import { createThrottle } from './auth/throttle.ts'
import type { Config } from './config/config.ts'
import type { Clients } from './http/client.ts'
import type { OwnNames } from './http/own-names.ts'
import type { Logger } from './log/logger.ts'
import { accessWriter, openAccessDatabase } from './metadata/access-database.ts'
import { ApiKeys } from './metadata/api-keys.ts'
import { FactStore, openFactsDatabase } from './metadata/manifest-facts.ts'
import { openActivity, Pulls } from './metadata/pulls.ts'
import { Sessions } from './metadata/sessions.ts'
import { createWriterThread } from './metadata/writer.ts'
import type { Authorization, AuthorizationRules } from './routes/authorize.ts'
import { layout } from './storage/layout.ts'
import { createTokens, tokenLifeOf } from './token/tokens.ts'

/** The registry's users: who they are, what they may do, and what they did. */
interface Users {
  readonly authorization: Authorization
  readonly apiKeys: ApiKeys | undefined
  readonly sessions: Sessions | undefined
  /** Undefined: the file cannot be used, and nothing is counted. */
  readonly pulls: Pulls | undefined
  /** What manifests say. Undefined: the file cannot be used, and nothing is remembered. */
  readonly facts: FactStore | undefined
  readonly keyPolicy: KeyPolicy
  /** Where the account of a user lives. */
  originOf(user: string): Identity['origin']
  /**
   * Takes over what of a changed configuration needs no restart: accessControl, realm, failDelay, another
   * htpasswd file (one that cannot be read leaves the old users). Ways to sign in neither come nor go.
   */
  reconfigure(config: Config): void
  /** Writes what is not yet on disk. */
  close(): Promise<void>
}

export type OpenUsers = { ok: true; users: Users } | { ok: false; message: string }

/**
 * `root` is locked. Environment: see `keyPolicyOf`, `tokenLifeOf`. `front`: which clients share an address, and under
 * which names Docker is sent for tokens.
 */
export function openUsers(
  config: Config,
  root: string,
  logger: Logger,
  environment: Readonly<Record<string, string | undefined>>,
  front: { clients: Pick<Clients, 'isShared'>; ownNames: Pick<OwnNames, 'ownOrigin'> },
): OpenUsers {
  const { auth } = config.http
  const policy = keyPolicyOf(environment)
  if (!policy.ok) return policy
  const life = tokenLifeOf(environment)
  if (!life.ok) return life
  const closing: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end()
  }
  const failed = (message: string): OpenUsers => {
    void close()
    return { ok: false, message }
  }

  const thread = createWriterThread()
  closing.push(() => thread.close())
  const users = new HtpasswdUsers(logger)
  closing.push(() => users.close())
  if (auth?.htpasswd) {
    const problem = users.use(auth.htpasswd.path)
    if (problem !== undefined) return failed(`http.auth.htpasswd.path ${problem}`)
  }

  let apiKeys: ApiKeys | undefined
  let sessions: Sessions | undefined
  if (auth && (users.current || auth.apikey || auth.openid)) {
    const opened = openAccessDatabase(layout.ownFolder(root))
    if (!opened.ok) return failed(opened.message)
    const { database } = opened
    const writer = accessWriter(layout.ownFolder(root), thread)
    const seats = new Sessions(database, writer)
    sessions = seats
    const endOf = (left: ReadonlySet<string>): void =>
      void seats.endLocal(user => users.current?.has(user) === true && !left.has(user))
    users.onLeft = endOf
    endOf(new Set())
    closing.push(() => seats.close())
    if (auth.apikey) {
      const keys = new ApiKeys(database, writer)
      apiKeys = keys
      closing.push(() => keys.flush())
    }
    database.close()
  }

  let pulls: Pulls | undefined
  const activity = openActivity(layout.ownFolder(root), thread)
  if (activity.ok) {
    const counted = new Pulls(activity.database, activity.writer)
    pulls = counted
    closing.push(() => activity.database.close())
    closing.push(() => counted.close())
  } else logger.log('warn', 'pulls are not counted', { error: activity.message })

  let facts: FactStore | undefined
  const remembered = openFactsDatabase(layout.ownFolder(root))
  if (remembered.ok) {
    const known = new FactStore(remembered.database)
    facts = known
    closing.push(() => remembered.database.close())
    closing.push(() => known.flush())
  } else logger.log('warn', 'what manifests say is not remembered', { error: remembered.message })

  const throttle = createThrottle({ now: Date.now, isShared: front.clients.isShared })
  // As long as the process: what was given before a change of the configuration holds after it.
  const stampOf = (user: string): string | undefined => users.current?.stampOf(user)
  const tokens =
    users.current || apiKeys || sessions ? createTokens({ apiKeys, stampOf, lifeMs: life.lifeMs }) : undefined
  const rulesOf = ({ http }: Config): AuthorizationRules => {
    const authenticates = users.current !== undefined || apiKeys !== undefined
    return {
      access: createAccess({ accessControl: http.accessControl, authenticates }),
      authenticator: createAuthenticator({
        htpasswd: users.current,
        apiKeys,
        tokens,
        sessions,
        throttle,
        failDelay: (http.auth?.failDelay ?? 0) * 1000,
      }),
      authenticates,
      realm: http.realm,
    }
  }
  const authorization: Authorization = { rules: rulesOf(config), tokens, ownNames: front.ownNames }
  return {
    ok: true,
    users: {
      authorization,
      apiKeys,
      sessions,
      pulls,
      facts,
      keyPolicy: policy.policy,
      originOf: user => (!users.current?.has(user) && apiKeys?.isProviders(user) ? 'oidc' : 'local'),
      reconfigure: changed => {
        const path = changed.http.auth?.htpasswd?.path
        if (users.current && path === undefined) {
          logger.log('warn', 'http.auth.htpasswd is gone from the config; its users stay until a restart')
        }
        const problem = users.current && path !== undefined ? users.use(path) : undefined
        if (problem !== undefined) {
          logger.log('error', 'htpasswd cannot be read; the old users stay', { error: problem })
        }
        authorization.rules = rulesOf(changed)
      },
      close,
    },
  }
}

/** The htpasswd file in use, which another one may replace, and the threads that check its passwords. */
class HtpasswdUsers {
  current: Htpasswd | undefined
  /** Called with users who are gone or have another password. */
  onLeft: (users: ReadonlySet<string>) => void = () => {}
  readonly #logger: Logger
  #path: string | undefined
  #pool: PasswordPool | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Answers what is wrong; then what was in use stays so. */
  use(path: string): string | undefined {
    if (path === this.#path) return undefined
    this.#pool ??= createPasswordPool()
    const logger = this.#logger
    const opened = openHtpasswd({
      path,
      pool: this.#pool,
      onChange: news => {
        if ('unreadable' in news) {
          logger.log('error', 'htpasswd cannot be read; the old users stay', { error: news.unreadable })
          return
        }
        logger.log('info', 'htpasswd was read again')
        logProblems(logger, news.problems)
        this.onLeft(news.left)
      },
    })
    if (!opened.ok) return opened.message
    this.current?.close()
    this.current = opened.htpasswd
    this.#path = path
    this.onLeft(new Set())
    logProblems(logger, this.current.problems())
    return undefined
  }

  async close(): Promise<void> {
    this.current?.close()
    await this.#pool?.close()
  }
}

function logProblems(logger: Logger, problems: readonly HtpasswdProblem[]): void {
  for (const { line, message } of problems) logger.log('warn', `htpasswd line ${line}: ${message}`)
}
