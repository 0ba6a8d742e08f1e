import { describe, expect, it } from 'vitest'
import { exitCodeOf, output, table } from '../../../cli/output.ts'

function captured(json: boolean) {
  const seen = { stdout: '', stderr: '' }
  const out = output(json, {
    stdout: { write: text => (seen.stdout += text) },
    stderr: { write: text => (seen.stderr += text) },
  })
  return { out, seen }
}

describe('what the command line prints', () => {
  it('for people: the answer on stdout, the rest on stderr, without non-breaking spaces', () => {
    const { out, seen } = captured(false)
    out.line('41.2\u00a0GB')
    out.note('on the way')
    out.object({ never: true })
    expect(out.failure({ code: 'app-not-running', home: '/h' })).toBe(3)
    expect(seen.stdout).toBe('41.2 GB\n')
    expect(seen.stderr).toBe(
      'on the way\nzotbar: Zotbar is not running\n  Nothing answers for /h.\n  Start it: zotbar start\n',
    )
  })

  it('hands no commands of strangers to the terminal', () => {
    const { out, seen } = captured(false)
    const bad = '\u001b]0;title\u0007\u001b[2Jkey\nFAKE\u009b31m\u202e'
    out.line(table(['LABEL'], [[bad]]))
    out.line('one\ntwo\t\u001b[1m')
    out.failure({ code: 'key-not-found', uuid: bad })
    expect(seen.stdout).toBe('LABEL\n�]0;title��[2Jkey�FAKE�31m�\none\ntwo\t�[1m\n')
    expect(seen.stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u)
  })

  it('for programs: JSON on stdout and nothing on stderr', () => {
    const { out, seen } = captured(true)
    out.line('never')
    out.note('never')
    out.object({ a: 1 })
    out.failure({ code: 'dashboard-off' })
    expect(seen).toEqual({ stdout: '{"a":1}\n{"error":{"code":"dashboard-off"}}\n', stderr: '' })
  })

  it('ends with the code that stands for the failure', () => {
    expect(exitCodeOf({ code: 'usage', message: 'x' })).toBe(2)
    expect(exitCodeOf({ code: 'app-not-running', home: '/h' })).toBe(3)
    expect(exitCodeOf({ code: 'app-not-answering', home: '/h', limitMs: 1 })).toBe(1)
    expect(exitCodeOf({ code: 'quitting' })).toBe(1)
  })
})
