import { describe, expect, it } from 'vitest'
import { clientName, givenAddress, thisMachine } from '../../../contract/messages/address-message.ts'

describe('the name that clients look an address up by', () => {
  it.each([
    ['http://127.0.0.1:5050', '127.0.0.1:5050'],
    ['http://[FD00::1]:5050', '[fd00::1]:5050'],
    ['https://registry.example.net/', 'registry.example.net'],
    ['https://registry.example.net:8443/registry/', 'registry.example.net:8443'],
    ['HTTPS://Registry.Example.net', 'registry.example.net'],
    ['https://ci:secret@registry.example.net/', 'registry.example.net'],
    ['registry.example.net:5000', 'registry.example.net:5000'],
    ['https://registry.example.net?x=1#y', 'registry.example.net'],
    ['https://', ''],
    ['https:', ''],
    ['https://ci@', ''],
    ['/registry', ''],
    [' ', ''],
  ])('%j: %j', (address, name) => expect(clientName(address)).toBe(name))
})

describe('the address that people are given', () => {
  const local = { url: 'http://127.0.0.1:5050', host: '127.0.0.1', port: 5050, configFile: '/c' }

  it('is the one of this machine where only that reaches it', () => {
    expect(givenAddress({ registry: local })).toEqual({ url: local.url, name: '127.0.0.1:5050' })
  })

  it('is the public one, and the one of this machine beside it', () => {
    expect(
      givenAddress({ registry: { ...local, publicUrl: 'http://192.0.2.7:5050', inClear: true } }),
    ).toEqual({
      url: 'http://192.0.2.7:5050',
      name: '192.0.2.7:5050',
      local: { url: 'http://127.0.0.1:5050', name: '127.0.0.1:5050' },
      warning: 'Passwords and keys cross the network in clear on the way to 192.0.2.7:5050.',
    })
  })

  it('names the machine after its system', () => {
    expect(thisMachine({ app: { platform: 'darwin' } })).toBe('this Mac')
    expect(thisMachine({ app: {} })).toBe('this machine')
  })
})
