import { readFile } from 'node:fs/promises'
import type { BrowserWindow, Session, WebContents } from 'electron'
import { fail, type Result } from '../contract/result.ts'
import type { SignInArrival, SignInRequest, SignInWindow } from '../contract/sign-in.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import { guardedPage } from './navigation-guard.ts'
import type { Questions } from './questions.ts'
import { guardSignIn, originOf } from './sign-in-guard.ts'

export interface SignIn {
  /** Opens the window; while it is open, a second call joins the first and brings it to the front. */
  open: SignInWindow
  /** Whether a page is one of the sign-in, not of ours. */
  owns(contents: WebContents): boolean
  destroy(): void
}

interface Options {
  electron: Pick<ElectronApi, 'BrowserWindow' | 'session'>
  clock: Pick<Clock, 'now' | 'setTimer'>
  questions: Pick<Questions, 'confirm' | 'show'>
  log(words: string, error?: unknown): void
}

/** In memory: a partition without "persist:". */
const partition = 'zotbar-sign-in'
const limitMs = 10 * 60_000
/** What Chromium calls a load that another one took the place of, and one that the fence cancelled. */
const expectedErrors = [-3, -20]

/**
 * A window for signing in at the registry, apart from all others: a session of its own, no preload, no bridge. Whatever
 * comes of it, the session is emptied and the window gone.
 */
export function createSignIn({ electron, clock, questions, log }: Options): SignIn {
  let session: Session | undefined
  let current: { window?: BrowserWindow; end: Promise<Result<null>>; stop(): void } | undefined

  function ownSession(): Session {
    if (session) return session
    session = electron.session.fromPartition(partition, { cache: false })
    session.on('will-download', event => event.preventDefault())
    return session
  }

  async function empty(): Promise<void> {
    if (!session) return
    try {
      await session.clearStorageData()
      await session.clearAuthCache()
      await session.closeAllConnections()
    } catch (error) {
      log('The session of the sign-in could not be emptied', error)
    }
  }

  function begin(request: SignInRequest): NonNullable<typeof current> {
    const { promise, resolve } = Promise.withResolvers<Result<null>>()
    const ended = (why: 'closed' | 'too-slow' | 'blocked', blocked: string[]): Result<never> =>
      fail({ code: 'sign-in-ended', user: request.user, why, blocked })
    let over = false
    const finish = (result: Result<null>): void => {
      if (over) return
      over = true
      stopTimer()
      const { window } = self
      if (window && !window.isDestroyed()) window.destroy()
      void empty().then(() => {
        if (current === self) current = undefined
        resolve(result)
      })
    }
    let blockedSoFar = (): string[] => []
    const stopTimer = clock.setTimer(clock.now() + limitMs, () => finish(ended('too-slow', blockedSoFar())))
    const self: NonNullable<typeof current> = {
      end: promise,
      stop: () => finish(ended('closed', blockedSoFar())),
    }

    async function show(): Promise<void> {
      const signInSession = ownSession()
      await empty()
      const certificate = request.certificate === undefined ? undefined : await textOf(request.certificate)
      const guard = guardSignIn({
        session: signInSession,
        request: request,
        certificate,
        mayGoTo: origin => questions.confirm(leadsElsewhere(request, origin)),
      })
      blockedSoFar = guard.blocked
      if (over) return
      const window = new electron.BrowserWindow({
        width: 520,
        height: 700,
        title: `Sign in as ${request.user}`,
        autoHideMenuBar: true,
        webPreferences: { ...guardedPage, session: signInSession },
      })
      self.window = window
      const { webContents: page } = window
      const start = (): void => {
        // What fails to load is told by did-fail-load.
        window.loadURL(request.url).catch(() => {})
      }

      let checking = false
      let again = false
      /** Whether somebody is signed in now. One look at a time: a second could make a second key. */
      async function checkSignIn(url: string): Promise<void> {
        if (originOf(url) !== request.origin || new URL(url).pathname.startsWith('/zot/auth/')) return
        again = checking
        if (checking) return
        checking = true
        const cookies = await signInSession.cookies.get({ url: request.origin })
        const found = await request.arrived(cookies.map(({ name, value }) => ({ name, value })))
        checking = false
        await handleArrival(found)
        if (!over && window.isDestroyed()) return self.stop()
        if (again && !over) await checkSignIn(page.getURL())
      }
      async function handleArrival(found: SignInArrival): Promise<void> {
        if (found.kind === 'ended') return finish(found.result)
        if (found.kind === 'not-yet' || over) return
        await empty()
        await questions.show({
          title: `That was ${found.user}, not ${request.user}`,
          body: `No key was made, and ${found.user} is signed out of this window again. Sign in as ${request.user}.`,
        })
        if (!over && !window.isDestroyed()) start()
      }
      const lookSafely = (url: string): void =>
        void checkSignIn(url).catch(error => {
          log('The sign-in could not be checked', error)
          self.stop()
        })

      /** What a page wanted from elsewhere, all in one question. */
      async function reportHeldOrigins(): Promise<void> {
        const held = guard.held()
        if (held.length === 0 || over) return
        log(`The sign-in wanted something from ${held.join(', ')}`)
        if (!(await questions.confirm(isMoreWanted(page.getURL(), held))) || over) return
        guard.allow(held)
        page.reload()
      }

      // A page names itself as it likes; the title says where it comes from.
      window.on('page-title-updated', event => event.preventDefault())
      window.on('closed', () => {
        // A key that is being made at this moment is taken all the same.
        if (!checking) self.stop()
      })
      page.on('will-frame-navigate', details => {
        if (originOf(details.url) === undefined) details.preventDefault()
      })
      page.on('did-navigate', (_, url) => {
        window.setTitle(`Sign in as ${request.user} (${originOf(url) ?? ''})`)
        lookSafely(url)
      })
      page.on('did-navigate-in-page', (_, url, isPage) => {
        if (isPage) lookSafely(url)
      })
      page.on('did-stop-loading', () => {
        reportHeldOrigins().catch(error => log('A question of the sign-in failed', error))
      })
      page.on('did-fail-load', (_, code, words, url, isPage) => {
        if (!isPage || over) return
        const origin = originOf(url) ?? url
        if (guard.blocked().includes(origin)) return finish(ended('blocked', guard.blocked()))
        if (expectedErrors.includes(code)) return
        questions.confirm(doesNotAnswer(origin, words)).then(
          yes => (yes ? !over && start() : self.stop()),
          () => self.stop(),
        )
      })
      page.on('render-process-gone', (_, details) => {
        log(`The page of the sign-in is gone: ${details.reason}`)
        self.stop()
      })
      start()
    }

    show().catch(error => {
      log('The sign-in window could not be opened', error)
      self.stop()
    })
    return self
  }

  return {
    open(wish) {
      if (current) {
        current.window?.show()
        current.window?.focus()
        return current.end
      }
      current = begin(wish)
      return current.end
    },
    owns: contents => session !== undefined && contents.session === session,
    destroy: () => current?.stop(),
  }
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}

const leadsElsewhere = ({ origin }: SignInRequest, to: string) => ({
  title: `Go on to ${new URL(to).host}?`,
  body: `The sign-in at ${new URL(origin).host} leads to ${to}, which is neither the registry nor its identity provider. Go on only if you know it.`,
  confirm: 'Go on',
})

const isMoreWanted = (url: string, held: readonly string[]) => ({
  title: `Load from ${held.length === 1 ? new URL(held[0] ?? url).host : `${held.length} more sites`}?`,
  body: `The page of ${originOf(url) ?? url} also wants something from ${held.join(', ')}. It was held back. If the page cannot be used without it, load it.`,
  confirm: 'Load',
})

const doesNotAnswer = (origin: string, words: string) => ({
  title: `${origin} does not answer`,
  body: `Chromium says ${words}. The question for a key stays open meanwhile.`,
  confirm: 'Try again',
})
