import { EventEmitter } from 'node:events'
import type { Session } from 'electron'
import type { FakeContents, OnlyNamesOf } from './electron-window.ts'

type Ask = (contents: FakeContents, permission: string, answer: (granted: boolean) => void) => void
type Verify = (
  request: { hostname: string; certificate: { data: string } },
  answer: (code: number) => void,
) => void
type Check = (contents: null, permission: string, origin: string) => boolean
type Serve = (request: { url: string; method: string }) => Promise<Response>

/** What was last set on a session, and what its cookies are. */
export function fakeSession() {
  const schemes = new Set<string>()
  const set = {
    serve: undefined as Serve | undefined,
    before: undefined as
      | ((details: { url: string; resourceType?: string }, answer: (to: { cancel: boolean }) => void) => void)
      | undefined,
    ask: undefined as Ask | undefined,
    check: undefined as Check | undefined,
    device: undefined as (() => boolean) | undefined,
    redirected: undefined as ((details: { url: string; redirectURL: string }) => void) | undefined,
    verify: undefined as Verify | undefined,
    proxy: '',
    cookies: [] as { name: string; value: string }[],
    /** How often it was emptied. */
    emptied: 0,
    spell: true,
  }
  const session = Object.assign(new EventEmitter(), {
    set,
    protocol: {
      handle: (scheme: string, serve: Serve) => {
        // lib/browser/api/protocol.ts: a scheme that is handled already is refused.
        if (schemes.has(scheme)) throw new Error(`Failed to register protocol: ${scheme}`)
        schemes.add(scheme)
        set.serve = serve
      },
    },
    // One listener for each event, the last one (docs/api/web-request.md).
    webRequest: {
      onBeforeRequest: (listener: typeof set.before) => {
        set.before = listener
      },
      onBeforeRedirect: (listener: typeof set.redirected) => {
        set.redirected = listener
      },
    },
    cookies: { get: async () => structuredClone(set.cookies) },
    clearStorageData: async () => {
      set.cookies = []
      set.emptied += 1
    },
    clearAuthCache: async () => {},
    closeAllConnections: async () => {},
    setProxy: async ({ proxyRules }: { proxyRules: string }) => {
      set.proxy = proxyRules
    },
    setCertificateVerifyProc: (verify: Verify) => {
      set.verify = verify
    },
    setPermissionRequestHandler: (handler: Ask) => {
      set.ask = handler
    },
    setPermissionCheckHandler: (handler: Check) => {
      set.check = handler
    },
    setDevicePermissionHandler: (handler: () => boolean) => {
      set.device = handler
    },
    setDisplayMediaRequestHandler: () => {},
    setSpellCheckerEnabled: (on: boolean) => {
      set.spell = on
    },
  })
  const names: OnlyNamesOf<Session, typeof session, 'set'> = true
  void names
  return session
}
