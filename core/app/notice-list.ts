import type { Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { SetAside } from '../platform/json-file.ts'

/** What people are to know, newest first. */
export interface NoticeList {
  all(): readonly Notice[]
  add(notice: Notice): void
}

const maxNotices = 20

/** Begins with the notices from before the core answered. */
export function createNoticeList(first: readonly Notice[], onChange: () => void): NoticeList {
  const notices = [...first]
  return {
    all: () => notices,
    add(notice) {
      notices.unshift(notice)
      notices.length = Math.min(notices.length, maxNotices)
      onChange()
    },
  }
}

/** A file of ours could not be understood, and lies elsewhere now. */
export const setAsideNotice = ({ file, keptAs }: SetAside, at: number): Notice => ({
  kind: 'file-set-aside',
  id: `set-aside:${keptAs}`,
  at,
  file,
  keptAs,
})

/** Where the generated password of the first admin is, where that is not the keychain. */
export function passwordNotice(
  stored: Result<{ where: 'keychain' } | { where: 'file'; file: string; why: string } | undefined>,
  at: number,
): Notice | undefined {
  if (!stored.ok) return { kind: 'password-not-stored', id: 'password-not-stored', at, error: stored.error }
  return stored.value?.where === 'file'
    ? { kind: 'secret-in-file', id: 'secret-in-file', at, file: stored.value.file, why: stored.value.why }
    : undefined
}
