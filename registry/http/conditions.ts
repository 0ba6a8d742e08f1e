/**
 * Conditions on content that is known by its digest. The digest in quotes is its ETag.
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.1
 */

/** Whether a client has this content already, by its If-None-Match: `*`, or a list with the tag, weak or not. */
export function isNotModified(header: string | undefined, digest: string): boolean {
  if (header === undefined) return false
  // No digest has a comma or a quote in it, so a tag of somebody else that has breaks nothing.
  return header.split(',').some(one => {
    const tag = one.trim()
    return tag === '*' || unquoted(tag.startsWith('W/') ? tag.slice(2) : tag) === digest
  })
}

/** Whether a Range counts: without If-Range, or when the client's part is of this very content. A date never is. */
export const isRangeFor = (ifRange: string | undefined, digest: string): boolean =>
  ifRange === undefined || unquoted(ifRange.trim()) === digest

/** Clients that keep the bare digest as the tag are understood, too. */
const unquoted = (tag: string): string =>
  tag.length > 1 && tag.startsWith('"') && tag.endsWith('"') ? tag.slice(1, -1) : tag
