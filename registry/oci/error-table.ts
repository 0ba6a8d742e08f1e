interface ErrorRow {
  /** The code on the wire. */
  readonly code: string
  readonly status: number
  readonly message: string
}

/**
 * Every failure that a client can get: our name -> code on the wire, HTTP status, message.
 * Codes: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 * Statuses follow zot where the specification leaves a choice.
 */
export const errorTable = {
  'name-invalid': { code: 'NAME_INVALID', status: 400, message: 'invalid repository name' },
  'name-unknown': { code: 'NAME_UNKNOWN', status: 404, message: 'repository not known to this registry' },
  'digest-invalid': { code: 'DIGEST_INVALID', status: 400, message: 'not a sha256 or sha512 digest' },
  'digest-mismatch': {
    code: 'DIGEST_INVALID',
    status: 400,
    message: 'the content does not match the digest',
  },
  'tag-invalid': { code: 'TAG_INVALID', status: 400, message: 'invalid tag' },
  'tags-too-many': { code: 'TAG_INVALID', status: 414, message: 'too many tags for one request' },
  'manifest-unknown': {
    code: 'MANIFEST_UNKNOWN',
    status: 404,
    message: 'manifest not known to this repository',
  },
  'manifest-invalid': { code: 'MANIFEST_INVALID', status: 400, message: 'invalid manifest' },
  'manifest-incomplete': {
    code: 'MANIFEST_BLOB_UNKNOWN',
    status: 400,
    message: 'the manifest refers to content that is not in this repository',
  },
  'manifest-too-large': { code: 'MANIFEST_INVALID', status: 413, message: 'a manifest is at most 4 MiB' },
  'manifest-type-unsupported': {
    code: 'MANIFEST_INVALID',
    status: 415,
    message: 'the media type is not a manifest this registry stores',
  },
  'manifest-referenced': {
    code: 'DENIED',
    status: 405,
    message: 'the manifest is part of an index; delete the index first',
  },
  'manifest-shared': {
    code: 'MANIFEST_INVALID',
    status: 409,
    message: 'manifest invalid: several tags share it; delete them one by one',
  },
  'blob-unknown': { code: 'BLOB_UNKNOWN', status: 404, message: 'blob not known to this repository' },
  'blob-referenced': {
    code: 'DENIED',
    status: 405,
    message: 'the blob is in use; delete the manifest first',
  },
  'range-invalid': { code: 'BLOB_UPLOAD_INVALID', status: 416, message: 'range not satisfiable' },
  'upload-unknown': {
    code: 'BLOB_UPLOAD_UNKNOWN',
    status: 404,
    message: 'upload not known to this repository',
  },
  'upload-out-of-order': {
    code: 'BLOB_UPLOAD_INVALID',
    status: 416,
    message: 'the chunk does not begin where the upload stands',
  },
  'upload-busy': {
    code: 'BLOB_UPLOAD_INVALID',
    status: 409,
    message: 'another request is writing this upload',
  },
  'size-invalid': {
    code: 'SIZE_INVALID',
    status: 400,
    message: 'the number of bytes received is not what was announced',
  },
  'page-invalid': { code: 'PAGINATION_NUMBER_INVALID', status: 400, message: 'n is not a number of entries' },
  'page-unknown': { code: 'TAG_UNKNOWN', status: 404, message: 'last is not a tag of this repository' },
  'request-invalid': { code: 'UNSUPPORTED', status: 400, message: 'the request cannot be understood' },
  'headers-too-large': {
    code: 'SIZE_INVALID',
    status: 431,
    message: 'the headers are larger than 128 KiB, or 32 KiB while many clients are connected',
  },
  'headers-too-slow': { code: 'UNSUPPORTED', status: 408, message: 'the headers did not come in time' },
  'expectation-failed': {
    code: 'UNSUPPORTED',
    status: 417,
    message: 'this registry meets no expectation but 100-continue',
  },
  unauthorized: { code: 'UNAUTHORIZED', status: 401, message: 'authentication required' },
  denied: { code: 'DENIED', status: 403, message: 'requested access to the resource is denied' },
  'too-many-requests': {
    code: 'TOOMANYREQUESTS',
    status: 429,
    message: 'too many attempts to sign in; try again shortly',
  },
  'rate-limited': { code: 'TOOMANYREQUESTS', status: 429, message: 'too many requests; try again shortly' },
  'too-many-under-way': {
    code: 'TOOMANYREQUESTS',
    status: 429,
    message: 'too many requests of your address are under way; wait for some of them',
  },
  'too-many-uploads': {
    code: 'TOOMANYREQUESTS',
    status: 429,
    message: 'too many uploads of your address are open; finish or cancel some of them',
  },
  'too-many-repositories': {
    code: 'TOOMANYREQUESTS',
    status: 429,
    message: 'this registry may hold no more repositories',
  },
  'body-too-large': { code: 'SIZE_INVALID', status: 413, message: 'the body is too large' },
  'origin-denied': { code: 'DENIED', status: 403, message: 'web pages may not change this registry' },
  'method-unsupported': { code: 'UNSUPPORTED', status: 405, message: 'the method is not supported here' },
  'route-unknown': { code: 'UNSUPPORTED', status: 404, message: 'no such route' },
  draining: { code: 'UNAVAILABLE', status: 503, message: 'the registry is about to stop; try again shortly' },
  'not-ready': { code: 'UNAVAILABLE', status: 503, message: 'the registry cannot reach its storage' },
  'disk-full': { code: 'UNKNOWN', status: 507, message: 'the disk is full' },
  'storage-failed': { code: 'UNKNOWN', status: 500, message: 'the storage failed' },
  'too-many-open': { code: 'UNAVAILABLE', status: 503, message: 'too many open files; try again shortly' },
  unexpected: { code: 'UNKNOWN', status: 500, message: 'internal error' },
} as const satisfies Record<string, ErrorRow>

export type ErrorName = keyof typeof errorTable

/** An expected failure as data: which row of the table, and what in particular. */
export interface Failure {
  readonly name: ErrorName
  readonly detail?: Readonly<Record<string, unknown>>
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Failure }

export const success = <T>(value: T): Result<T> => ({ ok: true, value })

export function failure(
  name: ErrorName,
  detail?: Readonly<Record<string, unknown>>,
): { ok: false; error: Failure } {
  return { ok: false, error: detail === undefined ? { name } : { name, detail } }
}
