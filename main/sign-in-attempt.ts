import type { BrowserWindow, Session, WebContents } from 'electron'
import { fail, type Result } from '../contract/result.ts'
import type { SignInArrival, SignInRequest } from '../contract/sign-in.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import { guardedPage } from './navigation-guard.ts'
import type { Asker, Questions } from './questions.ts'
import { guardSignIn, originOf, type SignInGuard } from './sign-in-guard.ts'

interface Deps {
  electron: Pick<ElectronApi, 'BrowserWindow'>
  clock: Pick<Clock, 'now' | 'setTimer'>
  questions: Pick<Questions, 'confirm' | 'show'>
  log(message: string, error?: unknown): void
  /** The session of the sign-in, created by the first attempt. */
  openSession(): Session
  /** Signs out whoever is signed in by that session. */
  clearSession(): Promise<void>
  /** Called once, when the attempt has ended and its session is empty. */
  release(attempt: SignInAttempt): void
}

const limitMs = 10 * 60_000
/** Chromium's codes for a load that another one replaced, and for one that the guard cancelled. */
const expectedErrors = [-3, -20]

/** One attempt to sign in: its window is open until the request has its key, the user closes it, or time is up. */
export class SignInAttempt {
  readonly result: Promise<Result<null>>
  readonly #deps: Deps
  readonly #request: SignInRequest
  readonly #resolve: (result: Result<null>) => void
  readonly #stopTimer: () => void
  #window: BrowserWindow | undefined
  #guard: SignInGuard | undefined
  #isOver = false
  #isChecking = false
  /** The page moved on during a check: another one follows. */
  #checkAgain = false

  constructor(deps: Deps, request: SignInRequest) {
    const { promise, resolve } = Promise.withResolvers<Result<null>>()
    this.result = promise
    this.#deps = deps
    this.#request = request
    this.#resolve = resolve
    this.#stopTimer = deps.clock.setTimer(deps.clock.now() + limitMs, () => this.#fail('too-slow'))
    this.#open().catch(error => {
      deps.log('The sign-in window could not be opened', error)
      this.stop()
    })
  }

  focus(): void {
    this.#window?.show()
    this.#window?.focus()
  }

  stop(): void {
    this.#fail('closed')
  }

  /** Its questions stand on its own window. */
  #asker(): Asker {
    return { parent: this.#window }
  }

  #fail(reason: 'closed' | 'too-slow' | 'blocked'): void {
    const blocked = this.#guard?.blocked() ?? []
    this.#finish(fail({ code: 'sign-in-ended', user: this.#request.user, why: reason, blocked }))
  }

  #finish(result: Result<null>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTimer()
    const window = this.#window
    if (window && !window.isDestroyed()) window.destroy()
    void this.#deps.clearSession().then(() => {
      this.#deps.release(this)
      this.#resolve(result)
    })
  }

  async #open(): Promise<void> {
    const { electron, questions, openSession, clearSession } = this.#deps
    const request = this.#request
    const session = openSession()
    await clearSession()
    const guard = guardSignIn({
      session,
      request,
      mayGoTo: origin => questions.confirm(redirectQuestion(request, origin), this.#asker()),
    })
    this.#guard = guard
    if (this.#isOver) return
    const window = new electron.BrowserWindow({
      width: 520,
      height: 700,
      title: `Sign in as ${request.user}`,
      autoHideMenuBar: true,
      webPreferences: { ...guardedPage, session },
    })
    this.#window = window
    this.#watchWindow(window, session)
    this.#watchLoads(window, guard)
    this.#load(window)
  }

  #load(window: BrowserWindow): void {
    // A load that fails is handled by did-fail-load.
    window.loadURL(this.#request.url).catch(() => {})
  }

  #watchWindow(window: BrowserWindow, session: Session): void {
    const { user } = this.#request
    const { webContents: page } = window
    const check = (url: string): void =>
      void this.#checkSignIn(url, window, session).catch(error => {
        this.#deps.log('The sign-in could not be checked', error)
        this.stop()
      })
    // A page chooses its own title; ours shows the origin that it comes from.
    window.on('page-title-updated', event => event.preventDefault())
    window.on('closed', () => {
      // A key that is being created at this moment is still delivered.
      if (!this.#isChecking) this.stop()
    })
    page.on('will-frame-navigate', details => {
      if (originOf(details.url) === undefined) details.preventDefault()
    })
    page.on('did-navigate', (_, url) => {
      window.setTitle(`Sign in as ${user} (${originOf(url) ?? ''})`)
      check(url)
    })
    page.on('did-navigate-in-page', (_, url, isPage) => {
      if (isPage) check(url)
    })
  }

  #watchLoads(window: BrowserWindow, guard: SignInGuard): void {
    const { questions, log } = this.#deps
    const { webContents: page } = window
    page.on('did-stop-loading', () => {
      this.#askAboutHeld(page, guard).catch(error => log('A question of the sign-in failed', error))
    })
    page.on('did-fail-load', (_, code, description, url, isPage) => {
      if (!isPage || this.#isOver) return
      const origin = originOf(url) ?? url
      if (guard.blocked().includes(origin)) return this.#fail('blocked')
      if (expectedErrors.includes(code)) return
      questions.confirm(retryQuestion(origin, description), this.#asker()).then(
        yes => (yes ? !this.#isOver && this.#load(window) : this.stop()),
        () => this.stop(),
      )
    })
    page.on('render-process-gone', (_, details) => {
      log(`The page of the sign-in is gone: ${details.reason}`)
      this.stop()
    })
  }

  /** Checks whether somebody is signed in. One check at a time, because two could create two keys. */
  async #checkSignIn(url: string, window: BrowserWindow, session: Session): Promise<void> {
    const { origin, checkArrival } = this.#request
    if (originOf(url) !== origin || new URL(url).pathname.startsWith('/zot/auth/')) return
    this.#checkAgain = this.#isChecking
    if (this.#isChecking) return
    this.#isChecking = true
    const cookies = await session.cookies.get({ url: origin })
    const arrival = await checkArrival(cookies.map(({ name, value }) => ({ name, value })))
    this.#isChecking = false
    await this.#handleArrival(arrival, window)
    if (!this.#isOver && window.isDestroyed()) return this.stop()
    if (this.#checkAgain && !this.#isOver)
      await this.#checkSignIn(window.webContents.getURL(), window, session)
  }

  async #handleArrival(arrival: SignInArrival, window: BrowserWindow): Promise<void> {
    const { questions, clearSession } = this.#deps
    const { user } = this.#request
    if (arrival.kind === 'ended') return this.#finish(arrival.result)
    if (arrival.kind === 'not-yet' || this.#isOver) return
    await clearSession()
    await questions.show(
      {
        title: `That was ${arrival.user}, not ${user}`,
        body: `No key was made, and ${arrival.user} is signed out of this window again. Sign in as ${user}.`,
      },
      this.#asker(),
    )
    if (!this.#isOver && !window.isDestroyed()) this.#load(window)
  }

  /** One question about everything that the page wanted from other origins. */
  async #askAboutHeld(page: WebContents, guard: SignInGuard): Promise<void> {
    const { questions, log } = this.#deps
    const held = guard.held()
    if (held.length === 0 || this.#isOver) return
    log(`The sign-in wanted something from ${held.join(', ')}`)
    if (!(await questions.confirm(heldQuestion(page.getURL(), held), this.#asker())) || this.#isOver) return
    guard.allow(held)
    page.reload()
  }
}

const redirectQuestion = ({ origin }: SignInRequest, to: string) => ({
  title: `Go on to ${new URL(to).host}?`,
  body: `The sign-in at ${new URL(origin).host} leads to ${to}, which is neither the registry nor its identity provider. Go on only if you know it.`,
  confirm: 'Go on',
})

const heldQuestion = (url: string, held: readonly string[]) => ({
  title: `Load from ${held.length === 1 ? new URL(held[0] ?? url).host : `${held.length} more sites`}?`,
  body: `The page of ${originOf(url) ?? url} also wants something from ${held.join(', ')}. It was held back. If the page cannot be used without it, load it.`,
  confirm: 'Load',
})

const retryQuestion = (origin: string, description: string) => ({
  title: `${origin} does not answer`,
  body: `Chromium says ${description}. The question for a key stays open meanwhile.`,
  confirm: 'Try again',
})
