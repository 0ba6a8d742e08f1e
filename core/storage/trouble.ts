import type { Failure } from '../../contract/failure.ts'
import { checkVolume } from '../platform/volume.ts'

/** What cannot be read, and why, in half a sentence. */
export const unreadable = (path: string, reason: string): Failure => ({
  code: 'data-unreadable',
  path,
  reason,
})

/** Whether a failure speaks of that folder. */
export const isAbout = (error: Failure | undefined, path: string): boolean =>
  error !== undefined && 'path' in error && error.path === path

/** Whether the data folder can be counted now. `held`: it had something in it before, so it must not be gone. */
export async function lookAtRoot(
  root: string,
  held: () => boolean,
): Promise<{ present: boolean; problem: Failure | undefined }> {
  const volume = await checkVolume(root)
  if (volume.ok) {
    const { present } = volume.value
    const problem: Failure = { code: 'data-volume-missing', path: root, parent: root }
    return { present, problem: !present && held() ? problem : undefined }
  }
  // A volume that cannot be written to can be counted.
  const readable = volume.error.code === 'data-read-only'
  return { present: readable, problem: readable ? undefined : volume.error }
}
