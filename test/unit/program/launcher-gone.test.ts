import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { onLauncherGone } from '../../../core/program/launcher-gone.ts'

describe('a start by npx', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const watched = (npmCommand: string) => {
    const gone = vi.fn()
    let parent = 4182
    const end = onLauncherGone(npmCommand, gone, { parent: () => parent, everyMs: 1000 })
    return {
      gone,
      end,
      lose: () => {
        parent = 1
        vi.advanceTimersByTime(5000)
      },
    }
  }

  it('ends when the shell of npx has ended, once', () => {
    const { gone, lose } = watched('exec')
    vi.advanceTimersByTime(60_000)
    expect(gone).not.toHaveBeenCalled()
    lose()
    expect(gone).toHaveBeenCalledOnce()
  })

  it('is watched no longer than asked, and no other start is', () => {
    const { gone, end, lose } = watched('exec')
    end()
    lose()
    expect(gone).not.toHaveBeenCalled()
    const other = watched('run-script')
    other.lose()
    expect(other.gone).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
