import { describe, expect, it } from 'vitest'
import { createRateLimit } from '../../../registry/http/rate-limit.ts'

describe('the rate limit', () => {
  it('gives a second of requests at once, then so many a second, to each client and path', () => {
    let now = 0
    const wait = createRateLimit({ rate: 2, methods: [] }, () => now)
    expect([1, 2, 3].map(() => wait('1.1.1.1', 'GET', '/v2/'))).toEqual([0, 0, 1])
    expect(wait('2.2.2.2', 'GET', '/v2/')).toBe(0)
    expect(wait('1.1.1.1', 'GET', '/v2/a/tags/list')).toBe(0)
    now = 500
    expect([1, 2].map(() => wait('1.1.1.1', 'GET', '/v2/'))).toEqual([0, 1])
  })

  it('may be for a method alone', () => {
    const wait = createRateLimit({ methods: [{ method: 'put', rate: 1 }] }, () => 0)
    expect([1, 2].map(() => wait('a', 'PUT', '/x'))).toEqual([0, 1])
    expect([1, 2, 3].map(() => wait('a', 'GET', '/x'))).toEqual([0, 0, 0])
  })

  it('counts paths that are too long to be any together', () => {
    const wait = createRateLimit({ rate: 2, methods: [] }, () => 0)
    const long = `/v2/${'a'.repeat(600)}`
    expect([1, 2, 3].map(at => wait('a', 'GET', long + at))).toEqual([0, 0, 1])
  })

  it('never keeps the health checks out', () => {
    const wait = createRateLimit({ rate: 1, methods: [] }, () => 0)
    for (const path of ['/livez', '/readyz', '/startupz'])
      expect([1, 2, 3].map(() => wait('a', 'GET', path))).toEqual([0, 0, 0])
  })
})
