import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { machineAddress } from '../../../core/registry-config/machine-address.ts'

const ip = (address: string, internal = false): NetworkInterfaceInfo => {
  const common = { address, netmask: '', mac: '00:00:00:00:00:00', internal, cidr: null }
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' }
}

const loopback = { lo: [ip('127.0.0.1', true), ip('::1', true)] }

describe('the address at which others reach this machine', () => {
  it.each([
    ['a network card', { ...loopback, eth0: [ip('192.0.2.7'), ip('2001:db8::7')] }, '192.0.2.7'],
    ['IPv6 where there is nothing else', { ...loopback, en0: [ip('2001:db8::7')] }, '[2001:db8::7]'],
    ['not one of a single link', { en0: [ip('fe80::1'), ip('169.254.3.4')] }, undefined],
    [
      'no bridge or pair of containers',
      {
        docker0: [ip('172.17.0.1')],
        'br-3f': [ip('172.18.0.1')],
        vethab: [ip('10.9.0.1')],
        bridge100: [ip('192.168.64.1')],
        en1: [ip('192.0.2.8')],
      },
      '192.0.2.8',
    ],
    ['a card before a VPN', { utun3: [ip('10.8.0.2')], en0: [ip('192.0.2.7')] }, '192.0.2.7'],
    ['an IPv6 card before a VPN', { utun3: [ip('10.8.0.2')], en0: [ip('2001:db8::7')] }, '[2001:db8::7]'],
    [
      'Tailscale where it is all there is',
      { ...loopback, utun4: [ip('100.101.102.103')] },
      '100.101.102.103',
    ],
    ['100.64/10 after others', { en5: [ip('100.64.0.9')], en0: [ip('192.0.2.7')] }, '192.0.2.7'],
    [
      '100.128 is an address like any other',
      { en5: [ip('100.128.0.9')], en6: [ip('192.0.2.7')] },
      '100.128.0.9',
    ],
    ['none', loopback, undefined],
  ])('%s', (_, interfaces, address) => expect(machineAddress(interfaces, false)).toBe(address))

  it('no IPv6 where the registry listens on IPv4 alone', () => {
    expect(machineAddress({ en0: [ip('2001:db8::7')], utun4: [ip('100.64.0.1')] }, true)).toBe('100.64.0.1')
  })
})
