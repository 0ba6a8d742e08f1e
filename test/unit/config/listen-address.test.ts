import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { isLoopback, readListenAddress } from '../../../registry/config/listen-address.ts'
import { unreachable, unsupported } from '../../../registry/config/supported.ts'

describe('where an http.address leads to', () => {
  it.each([
    ['', '', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0', '127.0.0.1'],
    ['0', '0.0.0.0', '127.0.0.1'],
    ['::', '::', '127.0.0.1'],
    ['[::]', '::', '127.0.0.1'],
    ['0:0:0:0:0:0:0:0', '::', '127.0.0.1'],
    ['::ffff:0.0.0.0', '::ffff:0:0', '127.0.0.1'],
    ['::1', '::1', '[::1]'],
    ['[::1]', '::1', '[::1]'],
    ['fd00::1', 'fd00::1', '[fd00::1]'],
    ['FD00:0::1', 'fd00::1', '[fd00::1]'],
    ['::ffff:192.0.2.7', '::ffff:c000:207', '192.0.2.7'],
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
    ['localhost', 'localhost', 'localhost'],
    ['Registry.example.org', 'registry.example.org', 'registry.example.org'],
  ])('%j listens at %j and is reached at %s', (address, listen, host) => {
    expect(readListenAddress(address)).toEqual({ listen, host })
  })

  it.each([
    'fe80::1%eth0',
    '127.0.0.1:5050',
    '[::1]:5050',
    ':::',
    '256.1.1.1',
    'a b',
    'a/b',
    'a@b',
    '[',
    '%',
  ])('%j leads nowhere', address => {
    expect(readListenAddress(address)).toBeUndefined()
  })

  it('makes an address that can be asked of any text, or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.domain()), text => {
        const read = readListenAddress(text)
        return read === undefined || new URL(`http://${read.host}:5050/readyz`).host === `${read.host}:5050`
      }),
    )
  })

  it.each(['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost', '::ffff:127.0.0.1'])(
    '%j is of this machine alone',
    address => {
      expect(isLoopback(address)).toBe(true)
    },
  )

  it.each(['', '0.0.0.0', '0', '::', '[::]', '0::0', '192.0.2.7', 'fd00::1', 'localhost.example.org', 'x y'])(
    '%j is not',
    address => {
      expect(isLoopback(address)).toBe(false)
    },
  )
})

describe('the forms that each engine takes', () => {
  const parsed = (address: string) => {
    const config = { storage: { rootDirectory: '/x' }, http: { address, auth: { apikey: true } } }
    const read = parseConfig(JSON.stringify(config))
    if (!read.ok) throw new Error(read.problems[0]?.message)
    return read
  }

  it.each(['', '::', '[::]', '::1', '[::1]', 'fd00::1', '0.0.0.0', 'localhost'])('%j: our own', address => {
    expect([...unreachable(parsed(address), 'zotbar-registry'), ...unsupported(parsed(address))]).toEqual([])
  })

  it.each(['', '[::]', '[::1]', '0.0.0.0', 'localhost'])('%j: zot', address => {
    expect(unreachable(parsed(address), 'zot')).toEqual([])
  })

  it.each(['::', '::1', 'fd00::1'])('%j: zot cannot, and the form that it can is named', address => {
    expect(unreachable(parsed(address), 'zot')).toMatchObject([
      { code: 'not-allowed', keyPath: 'http.address', line: 1, allowed: `"[${address}]"` },
    ])
  })

  it('an address of one network card is not looked after with either', () => {
    for (const engine of ['zot', 'zotbar-registry'] as const)
      expect(unreachable(parsed('fe80::1%eth0'), engine)).toMatchObject([{ keyPath: 'http.address' }])
  })
})
