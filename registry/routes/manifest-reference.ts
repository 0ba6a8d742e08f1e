import type { RequestContext } from '../http/request-context.ts'
import { sendFailure } from '../http/responder.ts'
import { isRepositoryName, parseReference, type Reference } from '../oci/reference.ts'
import type { Manifests } from '../storage/storage.ts'

/**
 * What the path names among what is there; undefined: the answer has been given. A tag that may not be made counts
 * where the index has it, as zot stored it: as it stands in the path, escapes and all.
 */
export async function storedReferenceOf(
  manifests: Pick<Manifests, 'digestOf'>,
  context: RequestContext,
): Promise<Reference | undefined> {
  const { name, last } = context.route
  const isOdd = isRepositoryName(name) && typeof parseReference(last) === 'string'
  for (const tag of isOdd ? new Set([lastAsWritten(context), last]) : []) {
    const found = await manifests.digestOf(name, tag)
    if (!found.ok) return sendFailure(context, found.error)
    if (found.value !== undefined) return { kind: 'tag', tag }
  }
  return referenceOf(context)
}

export const textOf = (reference: Reference): string =>
  reference.kind === 'tag' ? reference.tag : reference.digest.text

/** The last part of the path before its escapes were read. */
function lastAsWritten({ req: { url = '' } }: RequestContext): string {
  const [path = ''] = url.split('?', 1)
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Name and reference, checked; undefined: the answer has been given. */
export function referenceOf(context: RequestContext): Reference | undefined {
  const { name, last } = context.route
  if (!isRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
  const reference = parseReference(last)
  if (reference === 'TAG_INVALID') return sendFailure(context, { name: 'tag-invalid' })
  if (reference === 'DIGEST_INVALID') return sendFailure(context, { name: 'digest-invalid' })
  return reference
}
