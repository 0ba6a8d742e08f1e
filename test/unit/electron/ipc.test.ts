import { describe, expect, it } from 'vitest'
import { commandNames, needsAgreement } from '../../../contract/dispatch.ts'
import { plainText } from '../../../contract/messages/format.ts'
import { ok } from '../../../contract/result.ts'
import type { SettingRow } from '../../../contract/setting.ts'
import { createAgreedCall } from '../../../main/agreement.ts'
import { channels, serveIpc } from '../../../main/ipc.ts'
import { createPageCall } from '../../../main/page-calls.ts'
import { createQuestions } from '../../../main/questions.ts'
import { fakeCore } from '../../fakes/core.ts'
import { FakeContents, fakeElectron } from '../../fakes/electron.ts'
import { aSnapshot, fakeHost } from '../../fakes/host.ts'
import { openToAll, otherFolder, zotStore } from '../../fakes/undecided.ts'

const refused = { ok: false, error: { code: 'not-authorised', reason: 'wrong-sender' } }

function page(url = 'app://zotbar/window.html'): FakeContents {
  const contents = new FakeContents()
  contents.url = url
  contents.frame = { url, parent: null }
  return contents
}

function start(host = fakeHost()) {
  const fake = fakeElectron()
  const core = fakeCore(host)
  const logged: string[] = []
  const copied: string[] = []
  const opened: string[] = []
  const log = (message: string) => void logged.push(message)
  const openWindow = async () => new fake.electron.BrowserWindow({ width: 960, height: 640 })
  const { electron } = fake
  const questions = createQuestions({ electron, platform: 'darwin', openWindow, log })
  const end = serveIpc(fake.ipcMain, {
    core,
    link: core.link,
    onLink: core.onLink,
    startCore: core.start,
    call: createPageCall({
      electron,
      call: createAgreedCall({ core, questions }),
      secrets: { copy: secret => void copied.push(secret) },
      open: async what => {
        opened.push(what)
        return ok(null)
      },
    }),
    log,
  })
  const call = (contents: FakeContents, name: unknown, input?: unknown) =>
    fake.invoke(contents, channels.call, name, input)
  const listen = (contents: FakeContents, name: unknown, on: unknown) =>
    fake.post(contents, channels.listen, name, on)
  return { ...fake, host, core, copied, opened, logged, end, call, listen }
}

describe('a call from a page', () => {
  it('reaches its handler as a page, with its input read', async () => {
    const { call, host } = start()
    expect(await call(page(), 'registry.restart', {})).toMatchObject({ ok: true })
    expect(host.calls).toEqual([{ name: 'registry.restart', input: { now: false }, caller: 'page' }])
  })

  it('is refused, and told, unless it is the main frame of a page of ours', async () => {
    const { call, host, logged } = start()
    const inner = page()
    inner.frame = {
      url: 'app://zotbar/window.html',
      parent: { url: 'app://zotbar/window.html', parent: null },
    }
    const gone = Object.assign(page(), { frame: null })
    for (const stranger of [page('https://example.com/'), page('app://zotbar.evil/x'), page(''), inner, gone])
      expect(await call(stranger, 'registry.stop', {})).toEqual(refused)
    expect(host.calls).toEqual([])
    expect(logged).toHaveLength(5)
    expect(logged[0]).toContain('https://example.com/')
  })

  it('that makes no sense comes back as data', async () => {
    const { call } = start()
    expect(await call(page(), 'registry.destroy')).toMatchObject({ error: { code: 'unknown-command' } })
    expect(await call(page(), '__proto__.toString')).toMatchObject({ error: { code: 'unknown-command' } })
    expect(await call(page(), { evil: true })).toMatchObject({ error: { code: 'unknown-command' } })
    expect(await call(page(), 'registry.restart', { now: 'yes' })).toMatchObject({
      error: { code: 'bad-input', field: 'now' },
    })
  })

  it('whose handler has a fault comes back as data, and is told', async () => {
    const host = fakeHost({
      registry: {
        stop: async () => {
          throw new Error('a bug')
        },
      },
    })
    const { call, logged } = start(host)
    expect(await call(page(), 'registry.stop')).toEqual({
      ok: false,
      error: { code: 'unexpected', where: 'registry.stop' },
    })
    expect(logged).toEqual(['The command registry.stop failed'])
  })
})

describe('events', () => {
  it('go to the pages that asked, while they ask', () => {
    const { listen, host } = start()
    const [one, other] = [page(), page('app://zotbar/popover.html')]
    expect(host.listeners('snapshot')).toBe(0)
    listen(one, 'snapshot', true)
    listen(one, 'snapshot', true)
    expect(host.listeners('snapshot')).toBe(1)
    host.push('snapshot', aSnapshot())
    expect(one.sent).toEqual([[channels.event, 'snapshot', aSnapshot()]])
    expect(other.sent).toEqual([])
    listen(one, 'snapshot', false)
    expect(host.listeners('snapshot')).toBe(0)
  })

  it('end with the page', () => {
    const { listen, host } = start()
    const [one, other] = [page(), page()]
    listen(one, 'log', true)
    listen(other, 'log', true)
    one.emit('destroyed')
    host.push('log', { lines: ['a'] })
    expect(one.sent).toEqual([])
    expect(other.sent).toHaveLength(1)
    other.emit('destroyed')
    expect(host.listeners('log')).toBe(0)
  })

  it('may be begun and ended often by the same page', () => {
    const { listen, host } = start()
    const one = page()
    for (let round = 0; round < 20; round++) {
      listen(one, 'log', true)
      listen(one, 'log', false)
    }
    expect([host.listeners('log'), one.listenerCount('destroyed')]).toEqual([0, 1])
    listen(one, 'log', true)
    one.emit('destroyed')
    expect(host.listeners('log')).toBe(0)
  })

  it('are not for strangers, nor of made-up names', () => {
    const { listen, host, logged } = start()
    listen(page('https://example.com/'), 'snapshot', true)
    listen(page(), 'constructor', true)
    expect(host.listeners('snapshot')).toBe(0)
    expect(logged).toHaveLength(2)
  })

  it('end with the shell', () => {
    const { listen, host, end } = start()
    listen(page(), 'snapshot', true)
    end()
    expect(host.listeners('snapshot')).toBe(0)
  })
})

describe('a setting that names a program, host, file or URL', () => {
  const row: SettingRow = {
    key: 'configFile',
    value: '/old.json',
    default: '/default.json',
    words: 'The config file of the registry.',
    allowed: 'a path',
    how: 'restart',
    via: 'cli',
  }
  const host = () => fakeHost({ settings: { get: async () => ok(row) } })
  const sets = (calls: { name: string; caller: string }[]) =>
    calls.filter(call => call.name === 'settings.set')

  it('is changed after a native question', async () => {
    const { call, host: asked, done } = start(host())
    done.answers.push(1)
    expect(await call(page(), 'settings.set', { key: 'configFile', value: '/new.json' })).toMatchObject({
      ok: true,
    })
    expect(sets(asked.calls)).toMatchObject([{ caller: 'agreed' }])
    expect(done.questions[0]?.detail).toContain('Now: /old.json\nThen: /new.json')
  })

  it('stays as it is where that is declined', async () => {
    const { call, host: asked } = start(host())
    expect(await call(page(), 'settings.set', { key: 'configFile', value: '/new.json' })).toEqual(
      ok({ key: 'configFile', value: '/old.json', takesEffect: 'restart' }),
    )
    expect(sets(asked.calls)).toEqual([])
  })

  it('is told from the others, which need no question', async () => {
    const { call, host: asked, done } = start()
    await call(page(), 'settings.set', { key: 'keepServing', value: true })
    expect(sets(asked.calls)).toMatchObject([{ caller: 'page' }])
    expect(done.questions).toEqual([])
  })
})

describe('a registry open to everyone', () => {
  const key = 'registry.open'
  const row: SettingRow = {
    key,
    value: '',
    default: '',
    words: 'w',
    allowed: 'a',
    how: 'restart',
    via: 'cli',
  }
  const asking = async (value: string) => {
    const process = { kind: 'undecided', since: 1, ...openToAll(5) } as const
    const { app } = aSnapshot()
    const snapshot = async () => ok(aSnapshot({ process, app: { ...app, platform: 'darwin' } }))
    const { call, done } = start(fakeHost({ settings: { get: async () => ok(row) }, app: { snapshot } }))
    await call(page(), 'settings.set', { key, value })
    return done.questions[0]
  }

  it('is agreed to natively, with what everyone may do', async () => {
    expect(await asking('0.0.0.0:5050')).toMatchObject({
      message: 'Serve 0.0.0.0:5050 to everyone?',
      detail: expect.stringMatching(
        /^Anyone who can reach this Mac may push.*\nEveryone may pull, push, overwrite in \*\*\./,
      ),
      buttons: ['Cancel', 'Serve it to everyone'],
    })
  })

  it('is a setting like another where the core waits for another address', async () => {
    expect(await asking('0.0.0.0:1')).toMatchObject({ message: 'Change registry.open?' })
  })
})

describe('another data folder', () => {
  const { found, was } = otherFolder(0)
  const shown = { same: false, difference: 'path', found, ...(was ? { was } : {}) } as const
  const host = () => fakeHost({ data: { show: async () => ok(shown), accept: async () => ok(aSnapshot()) } })
  const accepted = (calls: { name: string }[]) => calls.filter(call => call.name === 'data.accept')

  it('is accepted after a native question that shows both', async () => {
    const { call, host: asked, done } = start(host())
    done.answers.push(1)
    expect(await call(page(), 'data.accept', {})).toMatchObject({ ok: true })
    expect(accepted(asked.calls)).toHaveLength(1)
    expect(plainText(done.questions[0]?.detail ?? '')).toMatch(
      /Before: 58 repositories, 412 tags, 41\.2 GB in \/home\/ada\/zot\.\nNow: nothing in \/Volumes\/registry\/zot/,
    )
  })

  it('is not, where that is declined', async () => {
    const { call, host: asked } = start(host())
    expect(await call(page(), 'data.accept', {})).toEqual({ ok: false, error: { code: 'cancelled' } })
    expect(accepted(asked.calls)).toEqual([])
  })
})

describe('an engine', () => {
  const undecided = { ...aSnapshot(), process: { kind: 'undecided', since: 0, ...zotStore(0) } as const }
  const host = () => fakeHost({ app: { snapshot: async () => ok(undecided) } })
  const used = (calls: { name: string; input: unknown }[]) => calls.filter(call => call.name === 'engine.use')

  it.each([
    ['zot', 'Use zot v2.1.13?', 'Use zot', 'config.json is read as it is'],
    [
      'zotbar-registry',
      'Use zotbar-registry instead of zot v2.1.13?',
      'Use zotbar-registry',
      'make new keys afterwards.\nzotbar-registry does not pull through',
    ],
  ])('%s is chosen after a native question in the words of the page', async (engine, title, verb, words) => {
    const { call, host: asked, done } = start(host())
    done.answers.push(1)
    expect(await call(page(), 'engine.use', { engine, yes: true })).toEqual(ok({ run: 'run-1' }))
    expect(used(asked.calls)).toEqual([
      { name: 'engine.use', input: { engine, yes: true, dryRun: false }, caller: 'agreed' },
    ])
    expect(done.questions).toMatchObject([{ message: title, buttons: ['Cancel', verb] }])
    expect(done.questions[0]?.detail).toContain(words)
  })

  it('is not, where that is declined', async () => {
    const { call, host: asked, done } = start(host())
    expect(await call(page(), 'engine.use', { engine: 'zot', yes: true })).toEqual({
      ok: false,
      error: { code: 'cancelled' },
    })
    expect([used(asked.calls), done.questions.length]).toEqual([[], 1])
  })

  it('is planned without a question', async () => {
    const { call, host: asked, done } = start(host())
    expect(await call(page(), 'engine.use', { engine: 'zot', dryRun: true })).toMatchObject({ ok: true })
    expect([used(asked.calls).length, done.questions]).toEqual([1, []])
  })
})

describe('what the app does itself', () => {
  it('never reaches the core: opening, copying a secret, quitting', async () => {
    const { call, core, copied, opened, done } = start()
    const secret = `zak_${'7'.repeat(32)}`
    expect(await call(page(), 'app.open', { what: 'log-folder' })).toEqual(ok(null))
    expect(await call(page(), 'keys.copySecret', { secret })).toEqual(ok(null))
    expect(await call(page(), 'app.quit', {})).toEqual(ok(null))
    expect([opened, copied, core.host.calls]).toEqual([['log-folder'], [secret], []])
    await new Promise(resolve => setImmediate(resolve))
    expect(done.exits).toEqual([0])
  })

  it('takes names, never a path that a page made up', async () => {
    const { call, opened } = start()
    expect(await call(page(), 'app.open', { what: '/etc/passwd' })).toMatchObject({
      error: { code: 'bad-input', field: 'what' },
    })
    expect(opened).toEqual([])
  })
})

describe('a page', () => {
  it('is refused by the core what its app may do, and what a command line may', async () => {
    const { call, core } = start()
    for (const name of ['admin.show', 'app.sessionEnds', 'app.dashboardLink', 'shell.looking'])
      expect(await call(page(), name, {}), name).toMatchObject({ error: { code: 'not-authorised' } })
    expect(core.host.calls).toEqual([])
  })

  it('hears at once whether there is a core, and every change of it', () => {
    const { listen, core } = start()
    const one = page()
    core.setLink({ kind: 'connecting' })
    listen(one, 'link', true)
    const lost = {
      kind: 'lost',
      since: 5,
      error: { code: 'app-not-running', home: '/h' },
      isStarting: false,
    } as const
    core.setLink(lost)
    expect(one.sent).toEqual([
      [channels.event, 'link', { kind: 'connecting' }],
      [channels.event, 'link', lost],
    ])
  })

  it('may have a core started, and no stranger may', () => {
    const { post, core, logged } = start()
    post(page('https://example.com/'), channels.start)
    expect([core.seen.starts, logged.length]).toEqual([0, 1])
    post(page(), channels.start)
    expect(core.seen.starts).toBe(1)
  })

  it('that shows the state is told to the core as somebody who looks', () => {
    const { listen, core } = start()
    const one = page()
    listen(one, 'log', true)
    expect(core.seen.looking).toBe(false)
    listen(one, 'snapshot', true)
    expect(core.seen.looking).toBe(true)
    one.emit('destroyed')
    expect(core.seen.looking).toBe(false)
  })
})

describe('the secret of a key', () => {
  it('is shown only after a native question on the window that asked', async () => {
    const { call, core, done, electron, windows } = start()
    new electron.BrowserWindow({ width: 960, height: 640 })
    const contents = windows[0]!.webContents
    contents.frame = { url: 'app://zotbar/window.html', parent: null }
    expect(await call(contents, 'keys.showSecret', { user: 'zot-ci' })).toEqual({
      ok: false,
      error: { code: 'cancelled' },
    })
    expect(core.host.calls).toEqual([])
    done.answers.push(1)
    expect(await call(contents, 'keys.showSecret', { user: 'zot-ci' })).toEqual(
      ok({ user: 'zot-ci', apiKey: 'zak_shown' }),
    )
    expect(done.questions.map(({ message, parent }) => [message, parent === windows[0]])).toEqual([
      ['Show the key of zot-ci?', true],
      ['Show the key of zot-ci?', true],
    ])
    expect(core.host.calls).toMatchObject([{ name: 'keys.showSecret', caller: 'agreed' }])
  })
})

describe('each command that needs a word at this screen', () => {
  const inputs: Record<string, unknown> = {
    'engine.use': { engine: 'zot', yes: true },
    'keys.showSecret': { user: 'zot-ci' },
  }
  const names = commandNames().filter(needsAgreement)

  it('has a question of its own, and is not run where that is declined', async () => {
    expect(names.toSorted()).toEqual(['config.restore', 'data.accept', 'engine.use', 'keys.showSecret'])
    const { found, was } = otherFolder(0)
    const shown = { same: false, difference: 'path', found, ...(was ? { was } : {}) } as const
    const last = { file: '/c.json', at: 0, engine: 'zot', diff: '-  "port": 70000', id: 'a1' } as const
    for (const name of names) {
      const { call, core, done } = start(
        fakeHost({ data: { show: async () => ok(shown) }, config: { last: async () => ok(last) } }),
      )
      expect(await call(page(), name, inputs[name] ?? {}), name).toEqual({
        ok: false,
        error: { code: 'cancelled' },
      })
      expect(done.questions, name).toHaveLength(1)
      if (name === 'config.restore') expect(done.questions[0]?.detail).toContain(last.diff)
      expect(core.host.calls.filter(call => call.name === name)).toEqual([])
    }
  })
})
