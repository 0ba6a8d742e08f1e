import type { Notice } from '../snapshot.ts'
import { capital } from './format.ts'
import type { NoticeMessage } from './message.ts'

type RunNotice = Extract<Notice, { kind: 'run-overtaken' | 'run-unproven' }>

/** A notice about a run that has ended as a person reads it. */
export function runNoticeMessage(notice: RunNotice): NoticeMessage {
  const steps = `See its steps: zotbar runbooks show ${notice.run}`
  if (notice.kind === 'run-overtaken')
    return {
      title: 'A run was never brought to its end',
      detail: `${notice.title}: it broke off, and a later run began before it could end. It stays as it was left, and nothing of it is taken back. ${steps}`,
      needsAttention: true,
    }
  return {
    title: 'Done, but not all of it is proven',
    detail: [
      `${notice.title}: every step is done.`,
      ...notice.unproven.map(what => `${capital(what)}.`),
      steps,
    ].join('\n'),
    needsAttention: true,
  }
}
