import type { Notice } from '../snapshot.ts'
import { count, exactMoment } from './format.ts'
import type { NoticeMessage } from './message.ts'

/** Lines of a hosts.toml of containerd with which a mirror is asked under this address, its path included. */
const mirrorTable = (mirror: string): string[] => [
  `[host."${mirror}"]`,
  '  capabilities = ["pull", "resolve"]',
  '  override_path = true',
]

/** Clients that use this registry as a mirror, and get nothing from it. */
export function mirrorMessage({
  upstream,
  requests,
  mirror,
  at,
}: Extract<Notice, { kind: 'mirror-passed-by' }>): NoticeMessage {
  const title = `Pulls of ${upstream} go past this registry`
  const asked = `${count(requests, 'request')} for images of ${upstream} since ${exactMoment(at)}`
  if (mirror === undefined)
    return {
      title,
      detail: `${asked} came here as to a mirror and got 404: zotbar-registry does not pull through, so these images come from ${upstream} itself. No line of a hosts.toml changes that.`,
      needsAttention: true,
    }
  return {
    title,
    detail: [
      `${asked} came without the path of the copies here and got 404, so these images come from ${upstream} itself. In certs.d/${upstream}/hosts.toml of the machines that pull, the table of this registry has to be:`,
      ...mirrorTable(mirror),
      'Another address of this registry that stands there now may stay: what is missing is the path behind it, and override_path.',
    ].join('\n'),
    needsAttention: true,
  }
}
