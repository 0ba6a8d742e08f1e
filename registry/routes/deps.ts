import type { Config } from '../config/config.ts'
import type { EventSink } from '../events/event.ts'
import type { DrainState } from '../http/drain.ts'
import type { Pushes } from '../http/pushes.ts'
import type { Pulls } from '../metadata/pulls.ts'
import type { SignInDeps } from '../signin/sign-in-routes.ts'
import type { Storage } from '../storage/storage.ts'
import type { Authorization } from './authorize.ts'
import type { KeyRouteDeps } from './keys.ts'

export interface MetricsPage {
  readonly contentType: string
  text(): Promise<string>
}

/** What the routes work with. */
export interface RouteDeps extends KeyRouteDeps {
  readonly authorization: Authorization
  readonly signIn: SignInDeps
  /** Undefined: nothing is counted. */
  readonly pulls: Pulls | undefined
  readonly storage: Storage
  readonly pushes: Pushes
  readonly events: EventSink
  /** storage.maxRepos; 0: no limit. */
  readonly maxRepositories: number
  readonly state: DrainState
  /** As it is now. */
  readonly config: () => Config
  /** Undefined: there are none. */
  readonly metrics: MetricsPage | undefined
}
