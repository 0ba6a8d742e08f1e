import { targetAt } from '../integration/app/app-rig.ts'
import type { Target } from '../integration/registry/client.ts'

/** A registry as this user reaches it with a key. */
export function signedTarget(url: string, user: string, key: string): Target {
  const plain = targetAt(url)
  const authorization = `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`
  return {
    ask: (path, options = {}) =>
      plain.ask(path, { ...options, headers: { ...options.headers, authorization } }),
  }
}
