import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { routeOf } from '../../../registry/http/router.ts'
import {
  digestBytes,
  isNewRepositoryName,
  isRepositoryName,
  parseDigest,
  parseReference,
} from '../../../registry/oci/reference.ts'

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
const separator = fc.constantFrom('.', '_', '__', '-', '--', '---')
const component = fc
  .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 3 }))
  .map(([first, rest]) => first + rest.flat().join(''))
const name = fc.array(component, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/)

describe('repository names', () => {
  it('takes what the grammar makes', () => {
    fc.assert(fc.property(name, text => text.length > 255 || isRepositoryName(text)))
  })

  it('takes nothing that could leave the folder', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        for (const evil of ['..', '.', '\0', '\\', '//', ' ', '%', ':', '@']) {
          const text = `${before}${evil}${after}`
          if (evil === '.' && isRepositoryName(text)) expect(text).not.toMatch(/(^|\/)\.|\.\.|\.(\/|$)/)
          else if (evil !== '.') expect(isRepositoryName(text)).toBe(false)
        }
      }),
    )
  })

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A',
    'a/B',
    '-a',
    'a-',
    'a..b',
    'a___b',
    'ä',
    'a\n',
    '_a',
    '.a',
    'a'.repeat(256),
  ])('refuses %j', text => {
    expect(isRepositoryName(text)).toBe(false)
  })

  it('serves longer names than may be made', () => {
    const long = Array(100).fill('abcdefghi').join('/')
    expect(isRepositoryName(long)).toBe(true)
    expect(isNewRepositoryName(long)).toBe(false)
    expect(isNewRepositoryName(long.slice(0, 255))).toBe(true)
    expect(isRepositoryName(`${long}/${'a'.repeat(256)}`)).toBe(false)
    expect(isRepositoryName(`${long}/${long}`)).toBe(false)
  })

  it.each(['a/index.json', 'a/oci-layout', 'a/blobs/sha256', 'a/b/blobs/sha512/c', 'a/index.json/b'])(
    'refuses %s: the layout of the repository above it is there',
    text => {
      expect(isRepositoryName(text)).toBe(false)
    },
  )

  it.each([
    'blobs',
    'a/blobs',
    'index.json',
    'a/blobs/x',
    'blobs/sha256',
    'library/hello-world',
    'a'.repeat(255),
  ])('takes %s', text => {
    expect(isRepositoryName(text)).toBe(true)
  })
})

describe('digests', () => {
  it('takes every digest, and only in lower case and full length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom('sha256' as const, 'sha512' as const),
        (bytes, algorithm) => {
          const digest = digestBytes(algorithm, bytes)
          expect(parseDigest(digest.text)).toEqual(digest)
          expect(parseDigest(digest.text.slice(0, -1))).toBeUndefined()
          expect(parseDigest(`${digest.text}0`)).toBeUndefined()
          expect(parseDigest(digest.text.toUpperCase())).toBeUndefined()
        },
      ),
    )
  })

  it.each([
    '',
    'sha256',
    'sha256:',
    `md5:${'0'.repeat(32)}`,
    `sha256:${'g'.repeat(64)}`,
    `sha256:../${'0'.repeat(61)}`,
    `sha512:${'0'.repeat(64)}`,
  ])('refuses %j', text => {
    expect(parseDigest(text)).toBeUndefined()
  })
})

describe('references', () => {
  it('tells tags from digests', () => {
    fc.assert(
      fc.property(tag, text => {
        expect(parseReference(text)).toEqual({ kind: 'tag', tag: text })
      }),
    )
    const digest = digestBytes('sha256', Buffer.from('x'))
    expect(parseReference(digest.text)).toEqual({ kind: 'digest', digest })
  })

  it.each([
    ['', 'TAG_INVALID'],
    ['-a', 'TAG_INVALID'],
    ['.', 'TAG_INVALID'],
    ['..', 'TAG_INVALID'],
    ['a b', 'TAG_INVALID'],
    ['a'.repeat(129), 'TAG_INVALID'],
    ['sha256:abc', 'DIGEST_INVALID'],
    ['a:b', 'DIGEST_INVALID'],
  ])('%j is %s', (text, code) => {
    expect(parseReference(text)).toBe(code)
  })
})

describe('routes', () => {
  it('finds name and reference whatever the name is made of', () => {
    const awkward = fc.array(
      fc.oneof(component, fc.constantFrom('manifests', 'blobs', 'uploads', 'tags', 'list', 'referrers')),
      { minLength: 1, maxLength: 5 },
    )
    fc.assert(
      fc.property(awkward, tag, (parts, text) => {
        const repository = parts.join('/')
        expect(routeOf(`/v2/${repository}/manifests/${text}`)).toEqual({
          kind: 'manifest',
          name: repository,
          last: text,
        })
        expect(routeOf(`/v2/${repository}/tags/list`)).toEqual({ kind: 'tags', name: repository, last: '' })
        expect(routeOf(`/v2/${repository}/blobs/uploads/`)).toEqual({
          kind: 'uploads',
          name: repository,
          last: '',
        })
        expect(routeOf(`/v2/${repository}/blobs/uploads/${text}`)).toEqual({
          kind: 'upload',
          name: repository,
          last: text,
        })
        expect(routeOf(`/v2/${repository}/blobs/sha256:00`)).toEqual({
          kind: 'blob',
          name: repository,
          last: 'sha256:00',
        })
      }),
    )
  })

  it('never throws, and no path leads to a name with an escape in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), path => {
        const route = routeOf(`/v2/${path}`)
        if (isRepositoryName(route.name)) expect(route.name).not.toMatch(/%|\.\.|\0/)
      }),
    )
  })

  it.each([
    ['/', 'home'],
    ['/login', 'login-page'],
    ['/login/page.css', 'page-file'],
    ['/user/apikey', 'key-page'],
    ['/zot/auth/login', 'login'],
    ['/zot/auth/callback/oidc', 'callback'],
    ['/zot/auth/logout', 'logout'],
    ['/zot/auth', 'none'],
    ['/v2', 'base'],
    ['/v2/', 'base'],
    ['/v2/_catalog', 'catalog'],
    ['/v2/a', 'none'],
    ['/v2/a/b/c', 'none'],
    ['/v3/a/manifests/b', 'none'],
    ['/v2/%zz/manifests/b', 'malformed'],
    ['/v2/a%2fb/manifests/c', 'malformed'],
    ['/v2/a%00/manifests/b', 'malformed'],
    ['/v2/%2e%2e/manifests/c', 'manifest'],
    ['/v2/manifests/c', 'manifest'],
    ['/livez', 'live'],
    ['/readyz', 'ready'],
    ['/startupz', 'live'],
    ['/livez/', 'none'],
  ])('%s is %s', (path, kind) => {
    expect(routeOf(path).kind).toBe(kind)
  })

  it('reads an escaped colon', () => {
    expect(routeOf('/v2/a/blobs/sha256%3Aabc')).toEqual({ kind: 'blob', name: 'a', last: 'sha256:abc' })
  })
})
