import { quoted } from '../../contract/messages/undecided-message.ts'
import type { Finding } from '../../contract/runbook.ts'
import type { ZotBefore } from '../../contract/undecided.ts'
import { compareVersions, isComparable } from '../platform/zot-version.ts'

interface Advice {
  against(version: string): Promise<Finding[]>
  changes(before: string, to: string): Promise<Finding[]>
}

/**
 * What this very zot means: the advisories against it and, where another version of zot served the folder last, what is
 * otherwise with this one.
 */
export async function zotFindings(
  to: { command: string; version?: string },
  last: Partial<ZotBefore> | undefined,
  advice: Advice,
): Promise<Finding[]> {
  const { version, command } = to
  if (version === undefined) return []
  const advisories = await advice.against(version)
  const before = last?.version
  if (before === undefined || before === version) return advisories
  const changes = await advice.changes(before, version)
  return [otherVersion({ command, version }, { ...last, version: before }), ...changes, ...advisories]
}

function otherVersion(
  { command, version }: { command: string; version: string },
  last: Partial<ZotBefore> & { version: string },
): Finding {
  const isOlder =
    isComparable(version) && isComparable(last.version) && compareVersions(version, last.version) < 0
  const upgrade = `zotbar upgrade --from ${quoted(command)}${isOlder ? ' --allow-downgrade' : ''}`
  const first =
    last.program === undefined ? 'that version' : `zotbar engine use zot --path ${quoted(last.program)}`
  return {
    id: isOlder ? 'zot-older' : 'zot-newer',
    severity: 'warning',
    evidence: `${command}: ${version}`,
    advice: `zot ${last.version} served this folder last, and this one is ${version}, ${
      isOlder ? 'older' : 'newer'
    }. A switch takes no copy of zot's databases. To change the version with a copy, a proof and a way back: first ${first}, then ${upgrade}`,
  }
}
