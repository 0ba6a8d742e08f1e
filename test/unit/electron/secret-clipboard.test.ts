import { describe, expect, it } from 'vitest'
import { createSecretClipboard } from '../../../main/secret-clipboard.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeElectron } from '../../fakes/electron.ts'

const secret = `zak_${'7'.repeat(32)}`

function start() {
  const { electron, done } = fakeElectron()
  const clock = fakeClock()
  return { done, clock, secrets: createSecretClipboard({ clipboard: electron.clipboard, clock }) }
}

describe('secrets of keys in the menu-bar app', () => {
  it('leave the clipboard after 45 s', async () => {
    const { done, clock, secrets } = start()
    secrets.copy(secret)
    await clock.advance(44_000)
    expect(done.clipboard).toEqual([secret])
    await clock.advance(1_500)
    expect(done.clipboard).toEqual([secret, ''])
  })

  it('are not taken for what was copied since, and go when the app ends', async () => {
    const { done, clock, secrets } = start()
    secrets.copy(secret)
    done.clipboard.push('something else')
    await clock.advance(60_000)
    expect(done.clipboard.at(-1)).toBe('something else')
    secrets.copy(secret)
    secrets.clear()
    secrets.clear()
    expect(done.clipboard.at(-1)).toBe('')
    expect(done.clipboard).toHaveLength(4)
  })
})
