import type { Notice } from '../../contract/snapshot.ts'
import type { Target } from './preflight.ts'

/** What people are told of keys that this Zotbar has never heard of, and that it leaves to zot; undefined without any. */
export function unknownKeysNotice(
  file: string,
  target: Pick<Target, 'unknownKeys'> | undefined,
  at: number,
): Notice | undefined {
  const keys = target?.unknownKeys ?? []
  return keys.length === 0
    ? undefined
    : { id: 'config-keys-unknown', at, kind: 'config-keys-unknown', file, keys }
}
