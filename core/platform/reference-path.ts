/**
 * A tag or digest as it stands behind /manifests/. Escapes that a tag has stay: zot keeps a tag as it stood in the path
 * of its push, so `a%2Fb` is asked for as that.
 */
export const referencePath = (reference: string): string =>
  reference
    .toWellFormed()
    .replace(/%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@%-]/gu, sign => encodeURIComponent(sign))

/** Whether a client of HTTP would take it for a way up in the path, so that nobody can ask for it. */
export const isDotSegment = (reference: string): boolean => /^(\.|%2e){1,2}$/i.test(reference)
