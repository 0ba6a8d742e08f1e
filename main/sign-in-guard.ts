import { X509Certificate } from 'node:crypto'
import type { Session } from 'electron'
import type { SignInRequest } from '../contract/sign-in.ts'

/** Decides which origins a page of the sign-in may reach. */
export interface SignInGuard {
  /** Returns the origins that were blocked since the last call. */
  held(): string[]
  /** All origins that were blocked so far. */
  blocked(): string[]
  allow(origins: readonly string[]): void
}

interface Options {
  session: Session
  request: Pick<SignInRequest, 'url' | 'origin' | 'issuers' | 'certificate'>
  /** Asks whether the page may open an origin that neither the registry nor config.json names. */
  mayGoTo(origin: string): Promise<boolean>
}

/** The registry's page that redirects to the provider; that redirect is trusted. */
const loginPath = '/zot/auth/login'
/** Chromium's results for a certificate: verify it as usual, and accept it. */
const judge = -3
const fine = 0

/**
 * Lets a session reach the registry, the issuers of its config.json, and where its login redirects to; another origin
 * for a page only after the question, anything else never. No permission, no device, no screen, no download.
 */
export function guardSignIn({ session, request, mayGoTo }: Options): SignInGuard {
  const { certificate } = request
  const allowed = new Set([request.origin, ...request.issuers])
  const blocked = new Set<string>()
  let held = new Set<string>()
  const questions = new Map<string, Promise<boolean>>()

  const hold = (origin: string): false => {
    if (!blocked.has(origin)) held.add(origin)
    blocked.add(origin)
    return false
  }
  async function leads(origin: string): Promise<boolean> {
    // Plain HTTP is allowed only for the origins of the configuration.
    if (!origin.startsWith('https:')) return hold(origin)
    const permitted = questions.get(origin) ?? mayGoTo(origin)
    questions.set(origin, permitted)
    if (!(await permitted)) return hold(origin)
    allowed.add(origin)
    return true
  }

  session.webRequest.onBeforeRequest(({ url, resourceType }, answer) => {
    const isPage = resourceType === 'mainFrame'
    const origin = originOf(url)
    if (origin === undefined) return answer({ cancel: isPage || !/^(data|blob):/.test(url) })
    if (allowed.has(origin)) return answer({ cancel: false })
    if (!isPage) return answer({ cancel: !hold(origin) })
    leads(origin).then(
      may => answer({ cancel: !may }),
      () => answer({ cancel: true }),
    )
  })
  session.webRequest.onBeforeRedirect(({ url, redirectURL }) => {
    const to = originOf(redirectURL)
    if (originOf(url) === request.origin && new URL(url).pathname.endsWith(loginPath) && to !== undefined)
      allowed.add(to)
  })
  session.setPermissionRequestHandler((_, __, answer) => answer(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
  session.setDisplayMediaRequestHandler(null)
  session.setSpellCheckerEnabled(false)
  session.setCertificateVerifyProc(({ hostname, certificate: shown }, answer) => {
    const isRegistry = certificate !== undefined && hostname === new URL(request.origin).hostname
    answer(isRegistry && isSame(certificate, shown.data) ? fine : judge)
  })

  return {
    held() {
      const now = [...held]
      held = new Set()
      return now
    },
    blocked: () => [...blocked],
    allow(origins) {
      for (const origin of origins) {
        allowed.add(origin)
        blocked.delete(origin)
      }
    },
  }
}

/** Of an address on the web; a socket counts as its page does. */
export function originOf(url: string): string | undefined {
  const web = url.replace(/^ws(s?):/, 'http$1:')
  return /^https?:/.test(web) && URL.canParse(web) ? new URL(web).origin : undefined
}

function isSame(pem: string, shown: string): boolean {
  try {
    return new X509Certificate(pem).fingerprint256 === new X509Certificate(shown).fingerprint256
  } catch {
    return false
  }
}
