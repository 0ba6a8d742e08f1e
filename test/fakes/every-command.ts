import type { Caller } from '../../contract/caller.ts'

const uuid = '7d3a2c1e-0000-4000-8000-000000000001'
const id = 'b6f1c0de-0000-4000-8000-000000000001'

/** Every command with an input that it takes. */
export const inputs: Readonly<Record<string, unknown>> = {
  'app.snapshot': {},
  'app.dashboardLink': {},
  'app.open': { what: 'keys' },
  'app.quit': { keepServing: true },
  'app.sessionEnds': {},
  'app.woke': {},
  'app.handOver': { node: '/n/node', main: '/n/main.mjs', build: '0123456789abcdef', version: '0.2.0' },
  'app.revokeSessions': {},
  'shell.answer': { id, answer: { kind: 'done' } },
  'shell.arrived': { id, cookies: [{ name: 'session', value: 's' }] },
  'shell.looking': { looking: true },
  'secrets.olderApp': {},
  'secrets.takeOver': { items: [{ account: 'a', secret: 's' }] },
  'registry.start': {},
  'registry.stop': {},
  'registry.restart': {},
  'registry.cancel': {},
  'registry.lookAgain': {},
  'data.show': {},
  'data.accept': {},
  'config.last': {},
  'config.restore': {},
  'logs.tail': {},
  'images.list': {},
  'images.show': { repository: 'a', reference: '1' },
  'images.delete': { repository: 'a', reference: '1' },
  'keys.list': {},
  'keys.create': { user: 'ci' },
  'keys.reveal': { uuid },
  'keys.revoke': { uuid },
  'keys.managed': {},
  'keys.manage': { user: 'ci' },
  'keys.unmanage': { user: 'ci' },
  'keys.rotate': { user: 'ci' },
  'keys.prove': { user: 'ci' },
  'keys.showSecret': { user: 'ci' },
  'keys.copySecret': { secret: 'word' },
  'keys.endOverlap': { user: 'ci' },
  'keys.snooze': { user: 'ci', for: '1d' },
  'keys.offerKey': { question: 'q', key: 'zak_1' },
  'keys.signIn': { question: 'q' },
  'keys.forgejoToken': { token: 't' },
  'keys.unlock': { passphrase: 'p' },
  'admin.show': {},
  'admin.reset': {},
  'engine.list': {},
  'engine.use': { engine: 'zot' },
  'upgrade.state': {},
  'upgrade.releases': {},
  'upgrade.begin': {},
  'runbooks.state': {},
  'runbooks.answer': { question: 'q', agreed: true },
  'runbooks.cancel': {},
  'runbooks.show': {},
  'runbooks.history': {},
  'settings.list': {},
  'settings.get': { key: 'keepServing' },
  'settings.set': { key: 'keepServing', value: true },
}

const callers: readonly Caller[] = ['cli', 'app', 'agreed', 'page', 'full', 'looking']

/**
 * Who may call what, as docs/security.md says it: written out here a second time, so that a command that is opened to
 * somebody by mistake is noticed. A star stands for a whole area.
 */
const table: Readonly<Record<string, readonly Caller[]>> = {
  'app.snapshot': callers,
  'app.dashboardLink': ['cli'],
  'app.open': ['cli', 'app', 'agreed', 'page', 'full'],
  'app.quit': ['cli', 'app'],
  'app.sessionEnds': ['app'],
  'app.woke': ['app'],
  'app.handOver': ['cli', 'app'],
  'app.revokeSessions': ['cli'],
  'shell.*': ['app'],
  'secrets.*': ['app'],
  'registry.*': callers,
  'data.show': callers,
  'data.accept': ['cli', 'agreed'],
  'config.last': callers,
  'config.restore': ['cli', 'agreed', 'full'],
  'logs.tail': callers,
  'images.list': callers,
  'images.show': callers,
  'keys.list': callers,
  'keys.managed': callers,
  'keys.manage': ['cli'],
  'keys.forgejoToken': ['cli'],
  'keys.showSecret': ['cli', 'agreed'],
  'keys.copySecret': ['app', 'agreed', 'page'],
  'admin.*': ['cli'],
  'engine.list': callers,
  'engine.use': ['cli', 'agreed', 'full'],
  'upgrade.state': callers,
  'upgrade.releases': callers,
  'runbooks.state': callers,
  'runbooks.show': callers,
  'runbooks.history': callers,
  'settings.list': callers,
  'settings.get': callers,
}

/** What is not named above changes something, and is for everybody but a session that may only look. */
export const mayCall = (caller: Caller, name: string): boolean =>
  (table[name] ?? table[name.replace(/\..*/, '.*')] ?? ['cli', 'app', 'agreed', 'page', 'full']).includes(
    caller,
  )

export const everyCaller = callers
