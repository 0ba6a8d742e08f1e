import { describe, expect, it } from 'vitest'
import { ok } from '../../../contract/result.ts'
import { createQuestions } from '../../../main/questions.ts'
import { createSecretClipboard } from '../../../main/secret-clipboard.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeElectron } from '../../fakes/electron.ts'
import { fakeHost } from '../../fakes/host.ts'

const secret = `zak_${'7'.repeat(32)}`

function start() {
  const { electron, done } = fakeElectron()
  const clock = fakeClock()
  const host = fakeHost()
  const { clear, handlers } = createSecretClipboard({
    clipboard: electron.clipboard,
    clock,
    questions: createQuestions(electron),
  })
  const inner = {
    ...host.handlers,
    keys: { ...host.handlers.keys, showSecret: async () => ok({ user: 'zot-ci', apiKey: secret }) },
  }
  return { done, clock, clear, keys: handlers(inner).keys }
}

describe('secrets of keys in the menu-bar app', () => {
  it('are shown only after a native question', async () => {
    const { done, keys } = start()
    expect(await keys.showSecret({ user: 'zot-ci' }, 'agreed')).toEqual({
      ok: false,
      error: { code: 'cancelled' },
    })
    done.answers.push(1)
    expect(await keys.showSecret({ user: 'zot-ci' }, 'agreed')).toEqual(
      ok({ user: 'zot-ci', apiKey: secret }),
    )
    expect(done.questions.map(({ message }) => message)).toEqual(Array(2).fill('Show the key of zot-ci?'))
    expect(JSON.stringify(done.questions)).not.toContain(secret)
  })

  it('leave the clipboard after 45 s', async () => {
    const { done, clock, keys } = start()
    await keys.copySecret({ secret }, 'page')
    await clock.advance(44_000)
    expect(done.clipboard).toEqual([secret])
    await clock.advance(1_500)
    expect(done.clipboard).toEqual([secret, ''])
  })

  it('are not taken for what was copied since, and go when the app ends', async () => {
    const { done, clock, keys, clear } = start()
    await keys.copySecret({ secret }, 'page')
    done.clipboard.push('something else')
    await clock.advance(60_000)
    expect(done.clipboard.at(-1)).toBe('something else')
    await keys.copySecret({ secret }, 'page')
    clear()
    clear()
    expect(done.clipboard.at(-1)).toBe('')
    expect(done.clipboard).toHaveLength(4)
  })
})
