import { describe, expect, it } from 'vitest'
import {
  allowedBy,
  isWithin,
  parseScope,
  printScope,
  type Scope,
  setOf,
} from '../../../registry/auth/scope.ts'
import { cpuTime } from '../../fakes/cpu-time.ts'

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

describe('the largest scopes that a key may have', () => {
  const longName = (seed: number, alphabet: string): string => {
    let state = seed
    return Array.from({ length: 255 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return alphabet[(state >>> 8) % alphabet.length]
    }).join('')
  }
  const names = [...Array(40).keys()].flatMap(seed => [
    `${'a/'.repeat(60 + seed)}b`,
    longName(seed, 'abz/'),
    longName(seed, 'abcdefghij'),
  ])

  it.each([
    ['nested depths', 64, (at: number) => `${'{**,*}/'.repeat(8)}*a*z${at}`],
    ['stars', 32, (at: number) => [...'abcdefghij'.repeat(12)].map(one => `*${one}`).join('') + at],
    ['alternatives', 32, (at: number) => `{${'*a,'.repeat(78)}*b}${at}`],
    ['braces in braces', 32, (at: number) => `${'{*,'.repeat(60)}a${'}'.repeat(60)}${at}`],
    ['components', 32, (at: number) => `${'**/a*/'.repeat(40)}b${at}`],
  ])('%s: a check takes far less than 1 ms', (_what, count, pattern) => {
    const key = [...Array(count).keys()].map(at => scope(`repository:${pattern(at)}:read`))
    const first = cpuTime(() => names.map(name => allowedBy(key, name)))
    const again = cpuTime(() => names.map(name => allowedBy(key, name)))
    expect(Math.max(first, again) / names.length).toBeLessThan(1)
  })
})
