import { expect, test } from 'vitest'
import { childEnvironment } from '../../../lib/child-environment.ts'

test('what a child needs is passed on, and nothing else', () => {
  const kept = {
    PATH: '/bin',
    HOME: '/h',
    LC_ALL: 'C',
    TZ: 'UTC',
    https_proxy: 'http://proxy:3128',
    NO_PROXY: 'a,b',
  }
  const left = {
    AWS_SECRET_ACCESS_KEY: 'x',
    GITHUB_TOKEN: 'x',
    NODE_OPTIONS: '--inspect',
    LC_: 'x',
    LD_PRELOAD: 'x',
    path: 'x',
  }
  expect(childEnvironment({ ...kept, ...left, LANG: undefined })).toEqual(kept)
})

test('a proxy with a password in its address stays here', () => {
  for (const proxy of ['http://user:pw@proxy:3128', 'user:pw@proxy:3128', 'socks5://u:p%40x@proxy']) {
    expect(childEnvironment({ HTTP_PROXY: proxy })).toEqual({})
  }
  expect(childEnvironment({ HTTP_PROXY: 'http://user@proxy:3128' })).toEqual({
    HTTP_PROXY: 'http://user@proxy:3128',
  })
})
