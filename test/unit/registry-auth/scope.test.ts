import { describe, expect, it } from 'vitest'
import { setOf } from '../../../registry/auth/action.ts'
import { allowedBy, isWithin, parseScope, printScope, type Scope } from '../../../registry/auth/scope.ts'

const scope = (text: string): Scope => {
  const parsed = parseScope(text)
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.scope
}
const scopes = (...texts: string[]): Scope[] => texts.map(scope)

describe('scopes', () => {
  it('reads actions in both vocabularies', () => {
    expect(printScope(scope('repository:ci/**:pull,push,read,delete'))).toBe(
      'repository:ci/**:read,create,delete',
    )
  })

  it.each([
    '',
    'repository',
    'repository:a',
    'repository:a:',
    'repository::read',
    'repository:a:read:',
    'repository:a:write',
    'repository:a:*',
    'repository:a:read,',
    'repository:a: read',
    'repository:A:read',
    'repository:a b:read',
    'repository:{a:read',
    'registry:catalog:*',
    'repository:a:constructor',
    `repository:${'a'.repeat(300)}:read`,
  ])('refuses %s', text => {
    expect(parseScope(text)).toMatchObject({ ok: false, problem: expect.stringContaining('"') })
  })

  it('adds up what several allow', () => {
    const some = scopes('repository:ci/*:read', 'repository:ci/app:create')
    expect(allowedBy(some, 'ci/app')).toBe(setOf(['read', 'create']))
    expect(allowedBy(some, 'ci/other')).toBe(setOf(['read']))
    expect(allowedBy(some, 'other')).toBe(0)
  })

  it.each([
    [['repository:ci/*:read'], ['repository:ci/*:read,create'], true],
    [['repository:ci/app:read'], ['repository:ci/*:read'], true],
    [['repository:x/**:read'], ['repository:**:read'], true],
    [['repository:ci/*:read,create'], ['repository:ci/*:read', 'repository:**:create'], true],
    [['repository:ci/*:create'], ['repository:ci/*:read'], false],
    [['repository:**:read'], ['repository:*:read'], false],
    [['repository:ci/**:read'], ['repository:ci/*:read'], false],
    [['repository:other:read'], ['repository:ci/*:read'], false],
  ])('%j within %j: %s', (inner, outer, expected) => {
    expect(isWithin(scopes(...inner), scopes(...outer))).toBe(expected)
  })
})
