import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { KeyWarning } from '../../../contract/key.ts'
import { keyWarningMessage, loginCommand } from '../../../contract/messages/key-warning-message.ts'

const rule = { pattern: '**', isNew: false, users: ['ci'], actions: ['read', 'create'] }

describe('a warning about a new key', () => {
  it('names a user whom nobody knows, without a rule', () => {
    const message = keyWarningMessage({ code: 'user-unknown', user: 'cii' })
    expect(message.title).toBe('Nobody here is called cii')
    expect(message.rule).toBeUndefined()
  })

  it.each(['no-rights', 'read-only'] as const)('shows the missing policy for %s, as JSON', code => {
    const shown = keyWarningMessage({ code, user: 'ci', rule }).rule
    expect(shown?.place).toContain('"policies" of "**"')
    expect(shown?.text).toBe('{ "users": [ "ci" ], "actions": [ "read", "create" ] }')
    expect(JSON.parse(shown?.text ?? '')).toEqual({ users: ['ci'], actions: ['read', 'create'] })
    expect(shown?.hint).toContain('"update"')
  })

  it('shows a whole entry where the pattern is new', () => {
    const user = 'a "b" \\c'
    const missing = { pattern: 'team/app', isNew: true, users: [user], actions: ['update'] }
    const shown = keyWarningMessage({ code: 'no-rights', user, rule: missing }).rule
    expect(JSON.parse(`{${shown?.text}}`)).toEqual({
      'team/app': { policies: [{ users: [user], actions: ['update'] }] },
    })
    expect(shown?.hint).not.toContain('latest')
  })

  it('says of a warning from a newer core that it is not known', () => {
    const warning = JSON.parse('{"code":"moon","user":"ci"}') as KeyWarning
    expect(keyWarningMessage(warning).title).toContain('moon')
  })
})

describe('the line that signs in', () => {
  it.each(['ci', 'jane@example.com', 'two words', "o'brien", '$(touch x)', '-u', 'a;b', ''])(
    'as %j',
    user => {
      const line = loginCommand('127.0.0.1:5050', user)
      const words = execFileSync('/bin/sh', ['-c', `docker() { printf '%s\\n' "$@"; }; ${line}`]).toString()
      expect(words).toBe(`login\n127.0.0.1:5050\n-u\n${user}\n--password-stdin\n`)
    },
  )
})
