import { expect, test } from 'vitest'
import { keyRegistryName } from '../../../core/registry-client/registry-access.ts'

// Records and secrets of earlier homes lie under these names: another one would lose the keys.
test.each([
  ['https://Registry.Example.net/', 'Registry.Example.net'],
  ['https://registry.example.net:8443/images', 'registry.example.net:8443/images'],
  [undefined, '127.0.0.1:5050'],
])('keys of %s are stored under %s', (externalUrl, name) => {
  expect(keyRegistryName({ url: 'http://127.0.0.1:5050', externalUrl })).toBe(name)
})
