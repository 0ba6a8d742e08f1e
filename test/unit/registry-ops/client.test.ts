import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClients, trustedProxiesOf } from '../../../registry/http/client.ts'

const ask = (peer: string, forwarded?: string, trusted: string[] = []) =>
  createClients(trusted).of({
    socket: { remoteAddress: peer } as Socket,
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage)

describe('a client', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['::1', '::1', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['::ffff:7f00:1', '127.0.0.1', true],
    ['127.0.0.2', '127.0.0.2', false],
    ['192.0.2.7', '192.0.2.7', false],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', false],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64', false],
    ['2001:db8::9', '2001:db8:0:0::/64', false],
    ['fe80::1%eth0', 'fe80:0:0:0::/64', false],
    ['', '', false],
  ])('%s is %s', (peer, key, isExempt) => {
    expect(ask(peer)).toMatchObject({ key, isExempt })
  })

  it.each([
    ['127.0.0.1', '192.0.2.7', [], '192.0.2.7'],
    ['::1', '192.0.2.7', [], '192.0.2.7'],
    ['127.0.0.1', '198.51.100.1, 192.0.2.7', [], '192.0.2.7'],
    ['127.0.0.1', '192.0.2.7:4711', [], '192.0.2.7'],
    ['127.0.0.1', '[2001:db8::1]:4711', [], '2001:db8:0:0::/64'],
    ['10.1.2.3', '192.0.2.7', ['10.0.0.0/8'], '192.0.2.7'],
    ['fd00::5', '192.0.2.7', ['fd00::/8'], '192.0.2.7'],
    ['127.0.0.1', '192.0.2.7, 10.1.2.3', ['10.0.0.0/8'], '192.0.2.7'],
    // Not by a trusted proxy.
    ['10.1.2.3', '192.0.2.7', [], '10.1.2.3'],
    ['127.0.0.2', '192.0.2.7', [], '127.0.0.2'],
    ['198.51.100.1', '127.0.0.1', ['10.0.0.0/8'], '198.51.100.1'],
    // What a client wrote itself stands before what the proxy wrote.
    ['127.0.0.1', '127.0.0.1, 192.0.2.7', [], '192.0.2.7'],
    ['127.0.0.1', 'unknown', [], '127.0.0.1'],
    ['127.0.0.1', '192.0.2.7, unknown', [], '127.0.0.1'],
  ])('of %s forwarded for %s with %j trusted is %s', (peer, forwarded, trusted, key) => {
    expect(ask(peer, forwarded, trusted).key).toBe(key)
  })

  it.each([
    ['127.0.0.1', true],
    ['10.1.2.3', true],
    ['fd00::5', true],
    ['192.0.2.7', false],
    ['2001:db8:1:2::9', false],
    ['127.0.0.2', false],
  ])('%s, who asks for many: %s', (peer, isShared) => {
    const clients = createClients(['10.0.0.0/8', 'fd00::/8'])
    const socket = { remoteAddress: peer } as Socket
    expect(clients.isShared(clients.ofSocket(socket).key)).toBe(isShared)
  })

  it('is the last hop of Forwarded where no X-Forwarded header came', () => {
    const forwardedOf = (headers: object) =>
      createClients().of({ socket: { remoteAddress: '127.0.0.1' }, headers } as unknown as IncomingMessage)
        .key
    const forwarded = 'for=198.51.100.1, for="[2001:db8::1]:4711";proto=https'
    expect(forwardedOf({ forwarded })).toBe('2001:db8:0:0::/64')
    expect(forwardedOf({ forwarded: 'for=192.0.2.7, for=_hidden' })).toBe('127.0.0.1')
    expect(forwardedOf({ forwarded: 'For="192.0.2.7:80"; by=x' })).toBe('192.0.2.7')
    expect(forwardedOf({ forwarded: 'for="1,2"' })).toBe('127.0.0.1')
    // The proxy wrote the other one, and this is what a client wrote.
    expect(forwardedOf({ forwarded: 'for=9.9.9.9', 'x-forwarded-for': '192.0.2.7' })).toBe('192.0.2.7')
    expect(forwardedOf({ forwarded: 'for=9.9.9.9', 'x-forwarded-proto': 'https' })).toBe('127.0.0.1')
  })

  it('is somebody, whatever the header holds', () => {
    const part = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('[', ']:1', ',', '::', '%', '1.2.3.4:', '[::1', ':::', '1.2.3.4.5', '\n'),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), parts => {
        const { key } = ask('127.0.0.1', parts.join(','))
        expect(key).toMatch(/^([\d.]+|::1|[0-9a-f:]+::\/64)$/)
      }),
    )
  })
})

describe('trusted proxies', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['10.0.0.5, fd00::/8', ['10.0.0.5', 'fd00::/8']],
  ])('%j', (text, proxies) => {
    expect(trustedProxiesOf({ ZOTBAR_TRUSTED_PROXIES: text })).toEqual({ ok: true, proxies })
  })

  it.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/', '1.2.3.4/8/8', 'fe80::1%eth0', '10.0.0.0/-1'])(
    '%s stops the start, and says why',
    text => {
      expect(trustedProxiesOf({ ZOTBAR_TRUSTED_PROXIES: `127.0.0.1,${text}` })).toEqual({
        ok: false,
        message: expect.stringContaining(text),
      })
    },
  )
})
