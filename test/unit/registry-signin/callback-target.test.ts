import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safeTarget } from '../../../registry/signin/rules.ts'

const rules = {
  allowed: ['https://ui.example:8443', 'not an address'],
  externalUrl: 'https://registry.example/',
}

describe('where a browser goes after signing in', () => {
  it.each([
    ['/', '/'],
    ['/user/apikey', '/user/apikey'],
    ['/home?tab=a&b=%2F%2Fx#there', '/home?tab=a&b=%2F%2Fx#there'],
    ['/ä', '/%C3%A4'],
    ['https://ui.example:8443/path?x=1', 'https://ui.example:8443/path?x=1'],
    ['HTTPS://UI.example:8443', 'https://ui.example:8443/'],
    ['https://registry.example/home', 'https://registry.example/home'],
  ])('%s is taken', (target, expected) => {
    expect(safeTarget(target, rules)).toBe(expected)
  })

  it.each([
    '',
    'user/apikey',
    '//evil',
    '///evil',
    '/\\evil',
    '\\\\evil',
    '/\t/evil',
    '/\n/evil',
    '\t//evil',
    ' //evil',
    '/ /evil',
    '/%2fevil.example',
    '/%2F%2Fevil',
    '/%5cevil',
    '/%09/evil',
    '/%0d%0aLocation:evil',
    '/.//evil',
    '/a/..//evil',
    '/%2e//evil',
    'https:evil',
    'https:/evil',
    'https:///evil',
    'https://evil',
    'http://registry.example/',
    'https://registry.example:444/',
    'https://registry.example.evil/',
    'https://registry.example@evil/',
    'https://registry.example:a@registry.example/',
    'https://ui.example/',
    'https:\\\\registry.example',
    'javascript:alert(1)',
    'data:text/html,x',
    'blob:https://registry.example/x',
    '/\u2028/evil',
    '/\u0000/evil',
    'not an address',
  ])('%j is not', target => {
    expect(safeTarget(target, rules)).toBe('/')
  })

  it('never leads anywhere else, whatever it is asked', () => {
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      'evil',
      ':',
      'https',
      '@',
      '%2f',
      '%5c',
      '\t',
      '\n',
      '?',
      '#',
      'ü',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), parts => {
        const target = safeTarget(parts.join(''), { allowed: [], externalUrl: undefined })
        expect(new URL(target, 'https://here.example').origin).toBe('https://here.example')
        expect(target).toMatch(/^\/(?![/\\])[\x21-\x7e]*$|^\/$/)
      }),
    )
  })
})
