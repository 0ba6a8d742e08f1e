import { ok, type Result } from '../../contract/result.ts'
import type { KeyAccess } from './key-access.ts'
import type { ListedKey } from './key-client.ts'

/**
 * Revokes a key and every key that came out of it, but for `spared`, which took its place. Each revocation answers what
 * that key made up to then, and it makes nothing afterwards: so none is left, whatever is created meanwhile. Answers
 * those that went along, with what the list said of them. An engine that does not know which key made another revokes
 * the one.
 */
export async function revokeLine(
  access: KeyAccess,
  uuid: string,
  spared: string | undefined,
): Promise<Result<Pick<ListedKey, 'uuid' | 'label' | 'createdAt' | 'mintedBy'>[]>> {
  const listed = await access.list()
  if (!listed.ok) return listed
  const facts = new Map(listed.value.map(key => [key.uuid, key]))
  const line = new Set([uuid])
  // What a revocation answers is appended, and its turn comes.
  for (const next of line) {
    const revoked = await access.revoke(next)
    if (!revoked.ok) return revoked
    for (const left of revoked.value) if (left !== spared) line.add(left)
  }
  line.delete(uuid)
  return ok([...line].map(made => facts.get(made) ?? { uuid: made, label: '', createdAt: '' }))
}
