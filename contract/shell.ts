import * as v from 'valibot'

/** What an app can open: a view, its README, its folder of logs. Never a path or an address. */
export const openTargets = ['window', 'keys', 'upgrade', 'run', 'docs', 'log-folder'] as const
export type OpenTarget = (typeof openTargets)[number]

/** What only a screen can do. An app says which of them it offers when it connects. */
export const shellCapabilities = ['open', 'question', 'sign-in', 'notify', 'clipboard'] as const
export type ShellCapability = (typeof shellCapabilities)[number]

/** What the core asks of an app's screen. `certificate` is PEM text: files of the core's host are not the app's. */
export type ShellRequest =
  | { kind: 'open'; what: OpenTarget }
  | { kind: 'question'; title: string; body: string; confirm: string }
  | {
      kind: 'sign-in'
      user: string
      /** The page that the sign-in begins with. */
      url: string
      /** The registry as browsers know it. */
      origin: string
      /** More origins that may be opened. */
      issuers: string[]
      certificate?: string
    }

export const requestId = v.pipe(v.string(), v.maxLength(64), v.regex(/^[\w-]+$/))

export const signInCookie = v.strictObject({
  name: v.pipe(v.string(), v.maxLength(400)),
  value: v.pipe(v.string(), v.maxLength(8192)),
})

/** `done`: it is open. `agreed`: what was answered to a question. `ended`: why the sign-in ended without a key. */
export const shellAnswer = v.variant('kind', [
  v.strictObject({ kind: v.literal('done') }),
  v.strictObject({ kind: v.literal('agreed'), agreed: v.boolean() }),
  v.strictObject({
    kind: v.literal('ended'),
    why: v.picklist(['closed', 'too-slow', 'blocked']),
    blocked: v.pipe(v.array(v.pipe(v.string(), v.maxLength(400))), v.maxLength(100)),
  }),
  /** It could not be done: `where` is what failed, as in the failure `unexpected`. */
  v.strictObject({ kind: v.literal('failed'), where: v.pipe(v.string(), v.maxLength(400)) }),
])
export type ShellAnswer = v.InferOutput<typeof shellAnswer>

/** What an app's stream carries beside the events of every client. */
export interface ShellEvents {
  /** The first event: the id of this connection, for the header of its calls. */
  connected: { connection: string }
  request: { id: string; ask: ShellRequest }
  /** The request needs no answer any more; `by` says who answered it, where somebody did. */
  withdrawn: { id: string; by?: string }
}
