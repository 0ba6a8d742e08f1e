import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { onQuitSignal } from '../../../lib/quit-signals.ts'

describe('the signals that quit', () => {
  it('quit once, whatever arrives again, and can be taken away', () => {
    const from = new EventEmitter() as unknown as NodeJS.Process
    const quits: string[] = []
    const off = onQuitSignal(signal => quits.push(signal), from)
    from.emit('SIGINT', 'SIGINT')
    from.emit('SIGINT', 'SIGINT')
    from.emit('SIGTERM', 'SIGTERM')
    expect(quits).toEqual(['SIGINT'])
    off()
    expect(from.listenerCount('SIGTERM') + from.listenerCount('SIGINT') + from.listenerCount('SIGHUP')).toBe(
      0,
    )
  })
})
