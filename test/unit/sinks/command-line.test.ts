import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { lineAfterWholeInput, shellQuoted } from '../../../core/sinks/command-sink.ts'

const key = 'zak_SECRET'
const shells = ['sh', 'dash', 'bash', 'zsh', 'ksh', 'busybox sh'].filter(
  shell => spawnSync('/bin/sh', ['-c', `${shell} -c :`]).status === 0,
)
/** Every name that a short script may use, as a profile could have exported it. */
const exported = Object.fromEntries(
  [...'abcdefghijklmnopqrstuvwxyz', 'key', 'line', 'input', 'secret', 'REPLY'].map(name => [name, 'x']),
)

/** As a host runs it: the login shell gets the line, here after `profile`. */
function run(shell: string, profile: string, line: string, input = key) {
  const PATH = process.env['PATH'] ?? ''
  return spawnSync(
    '/bin/sh',
    ['-c', `exec ${shell} -c ${shellQuoted(`${profile}${lineAfterWholeInput(line, shell)}`)}`],
    {
      input,
      env: { PATH, ...exported },
      encoding: 'utf8',
    },
  )
}

describe.each(shells)('a key that a command gets under %s', shell => {
  it.each([
    ['variables that are exported', ''],
    ['set -a', 'set -a; '],
    ['set -a that bash hands down', 'set -ax; export SHELLOPTS; '],
  ])('comes on its standard input alone, whatever the profile has: %s', (_what, profile) => {
    const ran = run(shell, profile, 'cat; env')
    expect(ran.stdout.startsWith(key)).toBe(true)
    expect(ran.stdout.slice(key.length)).toContain('PATH=')
    expect(ran.stdout.slice(key.length)).not.toContain(key)
  })

  it('keeps what is in it, and is not given where there is none', () => {
    const odd = ' a*$(b)`c`\\n"d\'e; '
    expect(run(shell, '', 'cat', odd).stdout).toBe(odd)
    expect(run(shell, '', 'echo it ran', '')).toMatchObject({ status: 75, stdout: '' })
  })
})
