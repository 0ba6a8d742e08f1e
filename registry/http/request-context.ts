import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Identity } from '../auth/identity.ts'
import type { Failure } from '../oci/error-table.ts'
import type { Client } from './client.ts'
import type { Route } from './router.ts'

/** One request and what became of it. */
export interface RequestContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly method: string
  readonly route: Route
  /** Without the question mark. */
  readonly query: string
  /** Who asks, as far as limits are concerned. */
  readonly client: Client
  /** performance.now() when its headers were read. */
  readonly startedAt: number
  /** Who asks; undefined: nobody in particular, or not yet found out. */
  identity: Identity | undefined
  /** As answered, for the log. */
  status: number
  failure: Failure | undefined
  bodySize: number
  /** Whether a request that usually only reads has changed something. */
  hasChanged: boolean
  /** Whether its handler has ended. */
  isSettled: boolean
}

/** Ends when the answer is on its way; what it throws is a bug. */
export type Handler = (context: RequestContext) => undefined | Promise<void>

export type Handlers = Readonly<
  Record<Exclude<Route['kind'], 'malformed' | 'none'>, Readonly<Record<string, Handler>>>
>

/** The first value of a query parameter, or null. */
export function queryOf(context: RequestContext, key: string): string | null {
  return context.query === '' ? null : new URLSearchParams(context.query).get(key)
}

/** A request header that must come once; Node joins or drops repetitions. */
export function headerOf(context: RequestContext, key: string): string | undefined {
  const value = context.req.headers[key]
  return Array.isArray(value) ? value[0] : value
}

/** Content-Length as a number; undefined when absent (chunked). Node has checked its form. */
export function announcedLength(context: RequestContext): number | undefined {
  const header = context.req.headers['content-length']
  return header === undefined ? undefined : Number(header)
}

/** The user for an event; nothing for somebody without credentials. */
export const userOf = ({ identity }: RequestContext): { user?: string } =>
  identity === undefined ? {} : { user: identity.user }
