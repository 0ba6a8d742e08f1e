import { describe, expect, it } from 'vitest'
import { maskSecrets } from '../../../registry/log/request-log.ts'

describe('paths in logs', () => {
  it.each([
    ['/v2/', '/v2/'],
    ['/v2/a/blobs/uploads/?digest=sha256:ab&mount=x', '/v2/a/blobs/uploads/?digest=sha256:ab&mount=x'],
    ['/x?token=S&n=3&S', '/x?token=******&n=3&******'],
    ['/zot/auth/callback/oidc?code=S&state=S', '/zot/auth/callback/oidc?code=******&state=******'],
    ['/x?Digest=S', '/x?Digest=******'],
    ['/x?', '/x?'],
    ['/v2/a/manifests/1?ns=docker.io', '/v2/a/manifests/1?ns=docker.io'],
  ])('%s', (url, logged) => expect(maskSecrets(url)).toBe(logged))
})
