import { type ErrorName, type Failure, failure, type Result } from '../oci/error-table.ts'

/** The system's error code ("ENOSPC"), or undefined when `error` is not the file system's. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error
    ? error.code
    : undefined
}

const names: Record<string, ErrorName> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EMFILE: 'too-many-open',
  ENFILE: 'too-many-open',
  ENAMETOOLONG: 'name-invalid',
}

/** A file system error as data. Anything else is a bug and is thrown again. */
export function failureOf(error: unknown): { ok: false; error: Failure } {
  const errno = errnoOf(error)
  if (errno === undefined) throw error
  return failure(names[errno] ?? 'storage-failed', { errno })
}

/** Runs a piece of work whose only expected exceptions are the file system's. */
export async function guarded<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work()
  } catch (error) {
    return failureOf(error)
  }
}

/** Missing, or something on the way is a file where a folder should be. */
export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')
