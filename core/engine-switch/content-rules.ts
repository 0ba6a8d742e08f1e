import { isSince, lacks, type SwitchFacts, type SwitchRule } from './switch-rule.ts'

/** Upstreams from which something is copied: at a pull, or by itself. */
const upstreamsOf = ({ config: { extensions } }: SwitchFacts) =>
  extensions?.sync?.enable === true
    ? extensions.sync.registries.filter(({ onDemand, pollInterval }) => onDemand || pollInterval)
    : []

/** What does not work without pull-through, in half a sentence. */
export const withoutPullThrough =
  'zotbar-registry does not pull through: what only upstreams hold is not found'

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url)

/** Extensions of zot that zotbar-registry passes over: what ends with each. */
const zotOnly: { key: 'lint' | 'trust' | 'events'; feature: string; ends: string; begins: string }[] = [
  {
    key: 'lint',
    feature: 'lint',
    ends: 'Images without the mandatory annotations are accepted: zotbar-registry does not look for them.',
    begins:
      'zot refuses images without the mandatory annotations, also those that were accepted meanwhile and are pushed again.',
  },
  {
    key: 'trust',
    feature: 'imagetrust',
    ends: 'Nobody checks signatures any more: zotbar-registry stores and serves them, and verifies none.',
    begins: 'zot checks the signatures of images.',
  },
  {
    key: 'events',
    feature: 'events',
    ends: 'Nothing is sent to the sinks of extensions.events any more.',
    begins: 'zot sends events to the sinks of extensions.events.',
  },
]

function extensionRule({ key, feature, ends, begins }: (typeof zotOnly)[number]): SwitchRule {
  const isOn = ({ config: { extensions } }: SwitchFacts): boolean => extensions?.[key]?.enable === true
  return {
    id: key,
    keys: [`extensions.${key}`],
    toOwn: facts =>
      isOn(facts) && !lacks(facts, feature) ? { severity: 'warning', advice: ends } : undefined,
    toZot: facts =>
      isOn(facts)
        ? { severity: 'info', advice: lacks(facts, feature) ? notBuiltIn(feature) : begins }
        : undefined,
  }
}

const notBuiltIn = (feature: string): string =>
  `This build of zot has no ${feature} in it: the block has no effect with it either.`

/** What is stored, found and copied. */
export const contentRules: readonly SwitchRule[] = [
  {
    id: 'pull-through',
    keys: ['extensions.sync'],
    toOwn(facts) {
      const upstreams = upstreamsOf(facts)
      if (upstreams.length === 0 || lacks(facts, 'sync')) return undefined
      const hosts = [...new Set(upstreams.flatMap(({ urls }) => urls.map(hostOf)))]
      return {
        severity: 'warning',
        advice: `${withoutPullThrough} any more (${hosts.join(', ')}). Images that were copied already are still served, as they are now.`,
      }
    },
    toZot(facts) {
      const upstreams = upstreamsOf(facts)
      if (upstreams.length === 0) return undefined
      if (lacks(facts, 'sync')) return { severity: 'info', advice: notBuiltIn('sync') }
      return { severity: 'info', advice: pullThroughBegins(facts, upstreams) }
    },
  },
  {
    id: 'search',
    keys: ['extensions.search'],
    toOwn: facts =>
      facts.config.extensions?.search?.enable && !lacks(facts, 'search')
        ? {
            severity: 'warning',
            advice: `zotbar-registry has no search${
              facts.config.extensions.search.cve ? ' and looks for no vulnerabilities' : ''
            }: /v2/_zot/ext/search is 404, and what asks it, such as zli, finds nothing.`,
          }
        : undefined,
    toZot(facts) {
      const search = facts.config.extensions?.search
      if (!search?.enable) return undefined
      if (lacks(facts, 'search')) return { severity: 'info', advice: notBuiltIn('search') }
      return {
        severity: 'info',
        advice: `Search begins: its first start reads every image, which takes a while in a large store.${
          search.cve
            ? ' It also fetches a database of vulnerabilities, at the start and every search.cve.updateInterval.'
            : ''
        }`,
      }
    },
  },
  {
    id: 'metrics',
    keys: ['extensions.metrics'],
    toOwn: facts =>
      facts.config.extensions?.metrics?.enable && !lacks(facts, 'metrics')
        ? {
            severity: 'info',
            advice:
              'zot_scheduler_generators_status, zot_scheduler_tasksqueue_length and what begins with go_ are not in its metrics; the other names of zot are.',
          }
        : undefined,
    toZot(facts) {
      if (!facts.config.extensions?.metrics?.enable) return undefined
      if (lacks(facts, 'metrics')) return { severity: 'warning', advice: notBuiltIn('metrics') }
      const hasGc = isSince(facts, 'v2.1.17')
      const gc = hasGc ? '' : ` ${hasGc === false ? 'This' : 'Before v2.1.17'} zot has no zot_gc_... either.`
      return {
        severity: 'info',
        advice: `zot_uploads_open, zot_upload_duration_seconds, zot_log_dropped_lines_total and what begins with nodejs_ are not in zot's metrics.${gc}`,
      }
    },
  },
  {
    id: 'scrub',
    keys: ['extensions.scrub'],
    toOwn: facts =>
      facts.config.extensions?.scrub?.enable
        ? {
            severity: 'info',
            advice:
              'A damaged blob is moved to _zotbar/quarantine, so that it is 404 until it is pushed again; zot reports it and serves it.',
          }
        : undefined,
    toZot(facts) {
      if (!facts.config.extensions?.scrub?.enable) return undefined
      if (lacks(facts, 'scrub')) return { severity: 'warning', advice: notBuiltIn('scrub') }
      return {
        severity: 'info',
        advice:
          "zot reports damaged blobs and goes on serving them. Images in Docker's format it calls affected although they are whole.",
      }
    },
  },
  ...zotOnly.map(extensionRule),
  {
    id: 'docker-formats',
    keys: ['http.compat'],
    toZot: ({ config: { http } }) =>
      http.compat.length === 0
        ? {
            severity: 'warning',
            advice:
              'zot refuses pushes of images in Docker\'s own formats (415), as docker push makes them, without "compat": ["docker2s2"]. zotbar-registry takes them.',
          }
        : undefined,
  },
  {
    id: 'durability',
    keys: ['storage.commit'],
    toZot: ({ config: { storage } }) =>
      storage.commit
        ? undefined
        : {
            severity: 'info',
            advice:
              'What zot acknowledges may still be lost when the power fails, as storage.commit is not true; zotbar-registry has it on disk first.',
          },
  },
  {
    id: 'dedupe',
    keys: ['storage.dedupe'],
    toZot: ({ config: { storage } }) =>
      storage.dedupe
        ? {
            severity: 'info',
            advice:
              'zot does not know of blobs that came meanwhile: pushed to another repository, such a blob takes its room once more.',
          }
        : undefined,
  },
  {
    id: 'untagged-removed',
    keys: ['storage.gc'],
    toOwn: facts =>
      facts.config.storage.gc && isSince(facts, 'v2.1.9') === false
        ? {
            severity: 'warning',
            advice:
              'Images without a tag are removed once they are storage.gcDelay old, as by zot from v2.1.9 on. To keep them, add a policy with "deleteUntagged": false under storage.retention.policies.',
          }
        : undefined,
  },
  {
    id: 'retention-times',
    keys: ['storage.retention'],
    toOwn: facts =>
      countsTimes(facts)
        ? {
            severity: 'warning',
            advice:
              'Retention counts pulls from now on: what zot counted is not known to zotbar-registry. Until its first pull an image counts as pulled at the switch, and as pushed when its file was written.',
          }
        : undefined,
    toZot: facts =>
      countsTimes(facts)
        ? {
            severity: 'warning',
            advice:
              'Retention goes by what zot counted itself: it knows of no pull and no push that zotbar-registry answered, so it may remove what was used only meanwhile. "dryRun": true under storage.retention shows what would go.',
          }
        : undefined,
  },
]

function pullThroughBegins(
  { config: { http } }: SwitchFacts,
  upstreams: ReturnType<typeof upstreamsOf>,
): string {
  const onDemand = upstreams.filter(registry => registry.onDemand)
  const polled = upstreams.filter(({ pollInterval }) => pollInterval)
  const converts = upstreams.some(({ preserveDigest }) => !preserveDigest) || http.compat.length === 0
  return [
    onDemand.length > 0
      ? 'Pull-through begins. zot fetches a whole image, with all its platforms, before it answers a first pull, and asks the upstream at every pull by tag.'
      : '',
    polled.length > 0 ? 'zot copies from upstreams by itself, every pollInterval.' : '',
    converts
      ? "It turns images in Docker's format into OCI's, so that their digests are not those of the upstream, unless preserveDigest is set."
      : '',
  ]
    .filter(text => text !== '')
    .join(' ')
}

/** Whether a rule keeps tags by when they were pulled or pushed. */
function countsTimes({ config: { storage } }: SwitchFacts): boolean {
  const policies = [storage, ...Object.values(storage.subPaths)].flatMap(
    ({ retention }) => retention.policies,
  )
  return policies.some(({ keepTags, keepUntagged }) =>
    [...keepTags, ...(keepUntagged === undefined ? [] : [keepUntagged])].some(
      rule =>
        rule.pulledWithin !== undefined ||
        rule.pushedWithin !== undefined ||
        rule.mostRecentlyPulledCount > 0 ||
        rule.mostRecentlyPushedCount > 0,
    ),
  )
}
