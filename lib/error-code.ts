/** The code of a failed system call ("ENOENT"), or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Whether a system call failed because the volume, or this user's share of it, is full. */
export const isVolumeFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')

/** Why a system call failed, in words for people. */
export function reasonOf(error: unknown): string {
  const code = errorCode(error)
  switch (code) {
    case 'ENOENT':
      return 'it does not exist'
    case 'EACCES':
    case 'EPERM':
      return 'access is denied'
    case 'EROFS':
      return 'the volume is read-only'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the volume is full'
    case 'ENOTDIR':
      return 'part of its path is not a folder'
    case 'EISDIR':
      return 'it is a folder'
    case 'ELOOP':
      return 'its links go in a circle'
    case 'EIO':
      return 'the volume answers with errors'
    default:
      return code ?? (error instanceof Error ? error.message : String(error))
  }
}
