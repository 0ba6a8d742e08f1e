import { unreachable } from '../result.ts'
import type { Notice } from '../snapshot.ts'
import { capital, holder, programName } from './format.ts'
import type { NoticeMessage } from './message.ts'

type DashboardNotice = Extract<Notice, { kind: 'no-dashboard' | 'session-replayed' | 'sessions-unsaved' }>

/** A notice about the dashboard as a person reads it. */
export function dashboardNoticeMessage(notice: DashboardNotice): NoticeMessage {
  switch (notice.kind) {
    case 'no-dashboard':
      return {
        title: `There is no dashboard: port ${notice.port} ${notice.reason === undefined ? 'is taken' : 'cannot be used'}`,
        detail: `${noDashboardReason(notice)} Name another port: zotbar settings set dashboard.port N`,
        needsAttention: true,
      }
    case 'session-replayed':
      return {
        title: 'A session of the dashboard was ended',
        detail:
          'A token of it was used again after another had replaced it: somebody else may have read it in the browser, or sessions.json was put back from a copy. Whoever had the session needs a fresh link: zotbar open. To end every other one too: zotbar open --revoke-all',
        needsAttention: true,
      }
    case 'sessions-unsaved':
      return {
        title: 'Sessions of the dashboard cannot be kept',
        detail: `${notice.file}: ${notice.reason}. They go on, and end when Zotbar does.`,
        needsAttention: true,
      }
    default:
      return unreachable(notice)
  }
}

function noDashboardReason({ reason, pid, command }: Extract<Notice, { kind: 'no-dashboard' }>): string {
  if (reason !== undefined) return `${capital(reason)}.`
  const by = holder({ pid, command: command === undefined ? undefined : programName(command) })
  return `${by} has it. All sessions of the dashboard have ended, as their pages may have been read there. It comes back by itself when the port is free.`
}
