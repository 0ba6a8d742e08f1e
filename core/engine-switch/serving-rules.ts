import { duration } from '../../contract/messages/format.ts'
import { anyFile, isSince, type SwitchFacts, type SwitchRule } from './switch-rule.ts'

const timeouts = ['readTimeout', 'writeTimeout'] as const

/** How it answers, and what Zotbar sees of it. */
export const servingRules: readonly SwitchRule[] = [
  {
    id: 'request-time-limits',
    keys: timeouts.map(key => `http.${key}`),
    toOwn: facts =>
      isSince(facts, 'v2.1.17') !== false && limitsOf(facts).length > 0
        ? {
            severity: 'info',
            advice:
              'Time limits count stillness: a slow push or pull that moves is not cut, as zot does from v2.1.17 on.',
          }
        : undefined,
    toZot(facts) {
      const limits = limitsOf(facts)
      if (limits.length === 0 || isSince(facts, 'v2.1.17') === false) return undefined
      const [{ keyPath, ms }] = limits as [Limit]
      return {
        severity: 'warning',
        keyPath,
        advice: `${isSince(facts, 'v2.1.17') ? '' : 'From v2.1.17 on '}zot cuts every request after ${duration(ms)}, also one that moves: slow pushes of large layers, and first pulls of large images, fail. http.readTimeout and http.writeTimeout change it; earlier versions do not know them.`,
      }
    },
  },
  {
    id: 'pages-of-others',
    keys: ['http.allowOrigin'],
    toOwn: ({ config: { http } }) =>
      http.allowOrigin
        ? undefined
        : {
            severity: 'info',
            advice:
              'Web pages of other origins read nothing of it any more, unless http.allowOrigin names theirs: zot lets every page read.',
          },
    toZot: ({ config: { http } }) =>
      http.allowOrigin
        ? undefined
        : {
            severity: 'info',
            advice:
              'Any web page may read what needs no credentials, as http.allowOrigin is not set: zotbar-registry lets none.',
          },
  },
  {
    id: 'certificate-renewal',
    keys: ['http.tls'],
    toZot: facts =>
      facts.config.http.tls !== undefined && isSince(facts, 'v2.1.15') === false
        ? {
            severity: 'warning',
            advice: 'Before v2.1.15 zot takes a renewed certificate only at its next start.',
          }
        : undefined,
  },
  {
    id: 'limits',
    keys: ['http.auth.failDelay'],
    toOwn: () => ({
      severity: 'info',
      keyPath: anyFile,
      advice:
        'One client may have 256 requests under way and 64 uploads begun; beyond that, and where somebody keeps guessing passwords, the answer is 429.',
    }),
    toZot: ({ config: { http } }) =>
      http.auth?.htpasswd !== undefined && !http.auth.failDelay
        ? {
            severity: 'info',
            advice:
              'zot lets passwords be guessed as fast as anybody likes, unless http.auth.failDelay is set.',
          }
        : undefined,
  },
  {
    id: 'reload',
    keys: [],
    toOwn: () => ({
      severity: 'info',
      keyPath: anyFile,
      advice: 'config.json is followed also where it is replaced as a whole, as most editors do.',
    }),
    toZot: () => ({
      severity: 'info',
      keyPath: anyFile,
      advice:
        'zot follows config.json only where it is written in place. After it was replaced as a whole, as most editors do, no change is seen until a restart.',
    }),
  },
  {
    id: 'image-times',
    keys: ['log.level'],
    toZot: ({ config: { log } }) => ({
      severity: 'info',
      keyPath: anyFile,
      advice: `Zotbar does not see when images were pushed and pulled, and pushes under way are waited for from outside.${
        ['trace', 'debug', 'info'].includes(log.level)
          ? ''
          : ` With log.level ${log.level} zot logs no requests, from which Zotbar learns what was pushed.`
      }`,
    }),
  },
]

interface Limit {
  keyPath: string
  ms: number
}

/** The time limits that hold, the shortest first. */
const limitsOf = ({ config: { http } }: SwitchFacts): Limit[] =>
  timeouts
    .map(key => ({ keyPath: `http.${key}`, ms: http[key] }))
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => a.ms - b.ms)
