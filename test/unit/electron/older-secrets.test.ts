import { expect, it } from 'vitest'
import { clientOver } from '../../../contract/contract.ts'
import { ok } from '../../../contract/result.ts'
import { bodyLimit } from '../../../core/platform/json-http.ts'
import { handOverOlderSecrets } from '../../../main/older-secrets.ts'

it('secrets of an older Zotbar go to the core in requests that it reads, however many and long they are', async () => {
  const accounts = Array.from({ length: 20 }, (_, number) => `key/registry/user-${number}`.padEnd(2048, '-'))
  const requests: { items: { account: string }[] }[] = []
  const zotbar = clientOver(async (name, input) => {
    if (name === 'secrets.olderApp') return ok({ accounts })
    requests.push(input as (typeof requests)[number])
    return ok({ taken: [], failed: [] })
  })
  const result = await handOverOlderSecrets({
    connection: { as: () => zotbar },
    questions: { confirm: async () => true, show: async () => {} },
    keychain: () => ({
      getPassword: async () => 's'.repeat(4096),
      setPassword: async () => {},
      deletePassword: async () => false,
    }),
    platform: 'darwin',
  })
  expect(result).toBe('done')
  expect(requests.flatMap(({ items }) => items.map(({ account }) => account))).toEqual(accounts)
  for (const request of requests) expect(JSON.stringify(request).length).toBeLessThan(bodyLimit)
})
