import type { Finding } from '../../contract/runbook.ts'
import { compareVersions, isVersion, isWithin, versionOf } from '../platform/zot-version.ts'
import type { Advisory, AdvisorySet, Change, ConfigKey } from './advisory-schema.ts'
import { editableKeys } from './config-edit.ts'
import { type ConfigText, type ConfigView, quote, viewConfig } from './config-view.ts'
import { type Matcher, matchIn } from './matcher.ts'
import { shippedAdvisories } from './shipped-advisories.ts'

/** Versions as zot reports them ("v2.1.13", "v2.1.15-0-g1a2b3c4"); `running` is absent where it is not known. */
export interface AdviceQuestion {
  running?: string | undefined
  /** The version that is thought of; absent: only what concerns the running one. */
  to?: string | undefined
  config: ConfigText
  advisorySet?: AdvisorySet
}

/**
 * What the running version, and a change to another one, mean for this config.json. Pure.
 *
 * First what is not known; then every advisory against the running version, as `info` where the configuration keeps it
 * out of reach; then what the other version brings, changes, brings back, and which keys it refuses (`error` where the
 * file has to be changed by hand, `warning` where an edit goes with it).
 */
export function findingsFor({
  running: reported,
  to: wanted,
  config,
  advisorySet = shippedAdvisories,
}: AdviceQuestion): Finding[] {
  const running = versionOf(reported)
  const to = versionOf(wanted)
  const viewed = viewConfig(config)
  const evidenceReader = createEvidenceReader(config.file, 'reason' in viewed ? undefined : viewed)
  const findings: Finding[] = []
  if (running === undefined) findings.push(unknownVersion(reported))
  else if (!isKnown(running, advisorySet)) findings.push(unknownRelease(running, advisorySet))
  if (to !== undefined && to !== running && !isKnown(to, advisorySet))
    findings.push(unknownRelease(to, advisorySet))
  if ('reason' in viewed) findings.push(unreadable(config.file, viewed.reason))
  if (running !== undefined)
    for (const advisory of advisorySet.advisories)
      if (affects(advisory, running)) findings.push(runningFinding(advisory, evidenceReader, to))
  if (to === undefined || to === running) return findings
  for (const advisory of advisorySet.advisories)
    if (affects(advisory, to) && !(running !== undefined && affects(advisory, running)))
      findings.push(...broughtFindings(advisory, evidenceReader, to, running))
  return [...findings, ...changesIn(advisorySet, evidenceReader, to, running)]
}

/** Those of `findingsFor` that are about behaviour and keys, not about advisories. */
export function changesBetween({
  running: reported,
  to: wanted,
  config,
  advisorySet = shippedAdvisories,
}: AdviceQuestion): Finding[] {
  const to = versionOf(wanted)
  if (to === undefined) return []
  const viewed = viewConfig(config)
  const evidenceReader = createEvidenceReader(config.file, 'reason' in viewed ? undefined : viewed)
  return changesIn(advisorySet, evidenceReader, to, versionOf(reported))
}

const changesIn = (
  { changes, keys }: AdvisorySet,
  evidenceReader: EvidenceReader,
  to: string,
  running: string | undefined,
): Finding[] => [
  ...changes.flatMap(change => changeFindings(change, evidenceReader, to, running)),
  ...keys.flatMap(key => refusedKeyFindings(key, evidenceReader, to)),
]

/** Those of `findingsFor` that the status summary shows: advisories that this configuration does not keep out of reach. */
export function advisoriesAgainst(question: Omit<AdviceQuestion, 'to'>): Finding[] {
  const ids = new Set((question.advisorySet ?? shippedAdvisories).advisories.map(({ id }) => id))
  return findingsFor(question).filter(({ id, severity }) => ids.has(id) && severity !== 'info')
}

/** Looks into the file; where it cannot be read, everything may apply. */
interface EvidenceReader {
  file: string
  view: ConfigView | undefined
  match(matcher: Matcher): string | undefined
}

const maxEvidence = 6

function createEvidenceReader(file: string, view: ConfigView | undefined): EvidenceReader {
  return {
    file,
    view,
    match(matcher) {
      if (!view) return `${file}: not understood, so it may apply`
      const evidence = matchIn(view, matcher)
      return evidence && evidenceOf(file, [...new Set(evidence)])
    },
  }
}

function evidenceOf(file: string, lines: string[]): string {
  if (lines.length === 0) return `${file}: whatever it says`
  const more = lines.length > maxEvidence ? `; and ${lines.length - maxEvidence} more` : ''
  return `${file}: ${lines.slice(0, maxEvidence).join('; ')}${more}`
}

const isKnown = (version: string, { releases }: AdvisorySet): boolean =>
  releases.some(release => release.version === version)

const affects = ({ introducedIn, fixedIn }: Advisory, version: string): boolean =>
  isWithin(version, introducedIn, fixedIn)

const unknownVersion = (reported: string | undefined): Finding => ({
  id: 'running-version-unknown',
  severity: 'info',
  evidence:
    reported === undefined ? 'the running zot does not report its version' : `it calls itself ${reported}`,
  advice:
    'Which advisories concern it cannot be said. zot tells its version from v2.1.11 on, and before v2.1.10.',
})

function unknownRelease(version: string, { releases, asOf }: AdvisorySet): Finding {
  const isBetween = !isVersion(version)
  const versions = releases.map(release => release.version).sort(compareVersions)
  return {
    id: `no-facts-${version}`,
    severity: 'info',
    evidence: `advisories of ${asOf}, about ${versions[0]} to ${versions.at(-1)}`,
    advice: isBetween
      ? `${version} is a build from between two releases: what changed in it since the earlier one is not known here.`
      : `Zotbar has no advisories about ${version}. What is listed was seen in other versions; read its release notes.`,
  }
}

const unreadable = (file: string, reason: string): Finding => ({
  id: 'config-not-understood',
  severity: 'info',
  evidence: `${file}: ${reason}`,
  advice: 'What the file says could not be looked at, so everything is listed that may apply.',
})

function runningFinding(advisory: Advisory, evidenceReader: EvidenceReader, to: string | undefined): Finding {
  const { id, title, severity, words, advice, otherwise } = advisory
  const evidence = evidenceReader.match(advisory.appliesWhen)
  const mended = fixedText(advisory, to)
  if (evidence === undefined)
    return {
      id,
      severity: 'info',
      evidence: `${evidenceReader.file}: nothing in it makes this possible`,
      advice: `${title}. It cannot be reached with this configuration. ${otherwise ?? ''} ${mended}`.replace(
        / +/g,
        ' ',
      ),
    }
  return { id, severity, evidence, advice: `${title}. ${words} ${mended} ${advice}` }
}

function fixedText(advisory: Advisory, to: string | undefined): string {
  if (advisory.fixedIn === undefined) return 'No release mends it so far.'
  const still = to !== undefined && affects(advisory, to) ? ` ${to} still has it.` : ''
  return `Mended in ${advisory.fixedIn}.${still}`
}

function broughtFindings(
  advisory: Advisory,
  evidenceReader: EvidenceReader,
  to: string,
  running: string | undefined,
): Finding[] {
  const evidence = evidenceReader.match(advisory.appliesWhen)
  if (evidence === undefined) return []
  const isBack = running !== undefined && compareVersions(to, running) < 0
  const verb = isBack ? 'comes back' : 'is in it'
  const { id, title, severity, words } = advisory
  return [
    {
      id,
      severity,
      evidence,
      advice: `With ${to} this ${verb}: ${title}. ${words} ${fixedText(advisory, undefined)}`,
    },
  ]
}

/** An unknown running version may be any: then all that `to` does is listed. */
function changeFindings(
  change: Change,
  evidenceReader: EvidenceReader,
  to: string,
  running: string | undefined,
): Finding[] {
  const holds = isWithin(to, change.since, change.until)
  const held = running !== undefined && isWithin(running, change.since, change.until)
  if (holds === held) return []
  if (!holds && (change.back === undefined || compareVersions(to, change.since) >= 0)) return []
  const evidence = evidenceReader.match(change.appliesWhen)
  if (evidence === undefined) return []
  const { id, title, words, advice, back, since } = change
  return holds
    ? [{ id, severity: change.severity, evidence, advice: `From ${since}: ${title}. ${words} ${advice}` }]
    : [{ id: `${id}-back`, severity: 'info', evidence, advice: `${to} is older than ${since}. ${back}` }]
}

/** A key of the file that `to` does not know: it would not start. */
function refusedKeyFindings(
  { path, since, without }: ConfigKey,
  { file, view }: EvidenceReader,
  to: string,
): Finding[] {
  const hits = view?.find(path) ?? []
  if (hits.length === 0 || compareVersions(to, since) >= 0) return []
  const isMended = editableKeys.has(path)
  return [
    {
      id: `key-refused-${path.replace(/[^\w]+/g, '-').replace(/-+$/, '')}`,
      severity: isMended ? 'warning' : 'error',
      evidence: evidenceOf(file, hits.map(quote)),
      advice: `${to} does not know this key, which came with ${since}, and does not start with it. ${
        isMended ? 'It is taken out together with the change.' : 'Take it out by hand before the change.'
      } Without it, ${without}.`,
    },
  ]
}
