import { describe, expect, it } from 'vitest'
import { plainText } from '../../../contract/messages/format.ts'
import { journalMessage } from '../../../contract/messages/journal-message.ts'
import type { JournalEntry } from '../../../contract/registry-state.ts'

const now = Date.parse('2026-03-12T14:02:00')
const told = (entry: Partial<JournalEntry> & Pick<JournalEntry, 'cause'>): string => {
  const { title, detail } = journalMessage({ id: 'a', at: now - 600_000, lastLines: [], ...entry }, now)
  return plainText(`${title}. ${detail}`)
}

describe('a line of the journal', () => {
  it('says restarted only once it answered again', () => {
    expect(told({ cause: 'asked-restart', downMs: 400 })).toBe(
      'Restarted 10 min ago. You asked. 0.4 s without an answer.',
    )
    expect(told({ cause: 'asked-restart' })).toBe(
      'Stopped for a restart 10 min ago. You asked. It has not answered since.',
    )
  })

  it('tells how long it ran apart from how it ended', () => {
    expect(told({ cause: 'crashed', exit: { kind: 'unknown-adopted' }, ranForMs: 5200 })).toBe(
      'Crashed 10 min ago. It ended; its exit code is unknown, as it was adopted. It had run for 5.2 s.',
    )
    expect(told({ cause: 'hung', ranForMs: 20_000, downMs: 20_000 })).toBe(
      'Stopped answering 10 min ago. It was ended and started again. It had run for 20 s. 20 s without an answer.',
    )
  })

  it('says how it ended in its own words', () => {
    const entry = {
      cause: 'start-failed',
      exit: { kind: 'code', code: 1 },
      lastWord: 'no such file',
    } as const
    expect(told(entry)).toBe('Did not start 10 min ago. It ended with exit code 1: no such file.')
    expect(told({ ...entry, cause: 'crashed', exit: { kind: 'unknown-adopted' } })).toContain(
      'It ended: no such file.',
    )
  })

  it('counts pushes that were cut off', () => {
    expect(told({ cause: 'asked-stop', pushesCut: 1 })).toContain('You asked. 1 push was cut off.')
    expect(told({ cause: 'asked-stop', pushesCut: 2 })).toContain('You asked. 2 pushes were cut off.')
    const cut = { pushesCut: 1, cutRepositories: ['team/app'] }
    for (const cause of ['asked-stop', 'crashed', 'hung', 'ended-by-itself', 'asked-restart'] as const)
      expect(told({ cause, ...cut })).toContain(' 1 push was cut off: team/app.')
    const many = { pushesCut: 5, cutRepositories: ['a', 'b', 'c', 'd', 'e'] }
    expect(told({ cause: 'app-quit', ...many })).toContain('5 pushes were cut off: a, b, c and 2 more.')
  })
})
