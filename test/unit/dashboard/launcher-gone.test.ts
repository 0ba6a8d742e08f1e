import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { onLauncherGone } from '../../../core/dashboard/launcher-gone.ts'

describe('a start by npx', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const watched = (env: NodeJS.ProcessEnv) => {
    const gone = vi.fn()
    let parent = 4182
    const end = onLauncherGone(gone, { env, parent: () => parent, everyMs: 1000 })
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
    const { gone, lose } = watched({ npm_command: 'exec' })
    vi.advanceTimersByTime(60_000)
    expect(gone).not.toHaveBeenCalled()
    lose()
    expect(gone).toHaveBeenCalledOnce()
  })

  it('is watched no longer than asked, and no other start is', () => {
    const { gone, end, lose } = watched({ npm_command: 'exec' })
    end()
    lose()
    expect(gone).not.toHaveBeenCalled()
    const other = watched({ npm_command: 'run-script' })
    other.lose()
    expect(other.gone).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
