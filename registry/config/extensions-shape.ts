import {
  below,
  block,
  checked,
  isAbsent,
  isHollow,
  list,
  map,
  mapped,
  object,
  optional,
  problemAt,
  type Reader,
  refuse,
  required,
  withDefault,
} from './reader.ts'
import { anything, driver, duration, flag, integer, nonEmptyText, number, text, texts } from './scalar.ts'

const hour = 3_600_000

/** Most extensions count as enabled as soon as their block says something. */
const onWhenPresent = { enable: withDefault(flag, true) }
const offWhenSilent = { enable: withDefault(flag, false) }

const search = object({
  ...onWhenPresent,
  cve: optional(
    object({
      updateInterval: withDefault(duration(0), 24 * hour),
      trivy: optional(
        object({
          dbRepository: optional(text),
          javaDBRepository: optional(text),
          vulnSeveritySources: texts,
          ignoreFile: optional(text),
          sbom: optional(object({ enable: withDefault(flag, false), format: optional(text) })),
        }),
      ),
    }),
  ),
})

/** Paths that answer something else, so that the metrics would never be heard there. */
const takenPaths = ['/v2', '/livez', '/readyz', '/startupz', '/login', '/user/apikey']

/** zot serves metrics at this path; it must not hide the OCI routes. */
const metricsPath = checked(text, (path, cursor) => {
  const clean = /^(\/[^/\s?#]+)+$/.test(path) && !/\/\.\.?(\/|$)/.test(path)
  if (clean && !takenPaths.includes(path) && !/^\/(login|zot\/auth)\//.test(path)) return undefined
  return refuse(
    cursor,
    'not-allowed',
    `${JSON.stringify(path)} cannot be the path of the metrics`,
    'such as "/metrics"',
  )
})

const metrics = object({
  ...onWhenPresent,
  prometheus: object({ path: withDefault(metricsPath, '/metrics') }),
})

const scrub = mapped(
  object({ ...onWhenPresent, interval: withDefault(duration(), 24 * hour) }),
  (read, cursor) => {
    if (read.interval >= 2 * hour) return read
    const message = 'too often: every 2 hours is used instead'
    cursor.notes.warnings.push(problemAt(below(cursor, 'interval'), 'out-of-range', message, 'at least 2h'))
    return { ...read, interval: 2 * hour }
  },
)

const tags = object({
  regex: optional(text),
  excludeRegex: optional(text),
  semver: withDefault(flag, false),
})

const content = object({
  prefix: required(nonEmptyText),
  destination: optional(text),
  stripPrefix: withDefault(flag, false),
  tags: optional(tags),
})

const syncRegistry = checked(
  object({
    /** Later ones are mirrors of the first. */
    urls: texts,
    onDemand: withDefault(flag, false),
    pollInterval: optional(duration(0)),
    content: list(content),
    tlsVerify: withDefault(flag, true),
    certDir: optional(text),
    maxRetries: optional(integer(0)),
    retryDelay: optional(duration(0)),
    maxRetryDelay: optional(duration(0)),
    onlySigned: withDefault(flag, false),
    syncLegacyCosignTags: withDefault(flag, true),
    preserveDigest: withDefault(flag, false),
    syncTimeout: withDefault(duration(0), 3 * hour),
    responseHeaderTimeout: withDefault(duration(0), 30_000),
    credentialHelper: optional(text),
    oauth2CredentialHelper: optional(driver),
    manifestCheckInterval: optional(duration(0)),
    reqConcurrent: optional(integer(0)),
    reqPerSec: optional(number),
    disableHTTP2: optional(flag),
    maxIdleConnsPerHost: optional(integer(0)),
  }),
  (registry, cursor) => {
    if (registry.pollInterval && registry.content.length === 0) {
      return refuse(
        below(cursor, 'pollInterval'),
        'conflict',
        'polling needs "content": which repositories to copy',
      )
    }
    if (registry.maxRetries !== undefined && registry.retryDelay === undefined) {
      return refuse(below(cursor, 'maxRetries'), 'conflict', '"maxRetries" needs "retryDelay"')
    }
    return undefined
  },
)

const sync = object({
  ...onWhenPresent,
  /** Maps the exact host of a URL to {username, password}. */
  credentialsFile: optional(text),
  downloadDir: optional(text),
  registries: list(syncRegistry),
})

const events = object({
  ...offWhenSilent,
  sinks: list(
    object({
      type: text,
      address: optional(text),
      channel: optional(text),
      timeout: optional(duration(0)),
      proxy: optional(text),
      headers: map(text),
      credentials: optional(
        object({
          username: optional(text),
          password: optional(text),
          file: optional(text),
          token: optional(text),
        }),
      ),
      tlsConfig: optional(
        object({ caCertFile: optional(text), certFile: optional(text), keyFile: optional(text) }),
      ),
    }),
  ),
})

/** What `extensions` holds; `ofBlock` reads a block that is on as soon as it is there. */
const known = (ofBlock: <T>(reader: Reader<T>) => Reader<T | undefined>) =>
  checked(
    object({
      search: ofBlock(search),
      ui: ofBlock(object(onWhenPresent)),
      sync: optional(sync),
      metrics: ofBlock(metrics),
      scrub: ofBlock(scrub),
      trust: ofBlock(
        object({ ...onWhenPresent, cosign: withDefault(flag, false), notation: withDefault(flag, false) }),
      ),
      lint: optional(object({ ...offWhenSilent, mandatoryAnnotations: texts })),
      events: optional(events),
      /** Both moved elsewhere: zot reads and ignores them, with a warning. */
      mgmt: block(anything),
      apikey: block(anything),
    }),
    ({ mgmt, apikey, search, ui }, cursor) => {
      for (const [key, value] of Object.entries({ mgmt, apikey })) {
        if (value !== undefined)
          cursor.notes.warnings.push(problemAt(below(cursor, key), 'ignored', 'this key has no effect'))
      }
      if (ui?.enable && !search?.enable) {
        return refuse(below(cursor, 'ui'), 'conflict', '"ui" needs "search" to be enabled')
      }
      return undefined
    },
  )

/** Where all blocks are empty, zot goes by their names alone: one with null is there, too. */
const emptyBlocks = known(reader => cursor => (cursor.node === undefined ? undefined : reader(cursor)))

/** Once a block says something, zot passes over the empty ones beside it. */
const fullBlocks = known(reader => cursor => {
  if (!isHollow(cursor.node)) return reader(cursor)
  if (!isAbsent(cursor.node)) {
    const message = 'an empty block has no effect beside one that says something'
    cursor.notes.warnings.push(problemAt(cursor, 'ignored', message, '{"enable": true}'))
  }
  return undefined
})

const extensions: typeof fullBlocks = cursor => (isHollow(cursor.node) ? emptyBlocks : fullBlocks)(cursor)

export const extensionsShape = mapped(extensions, ({ mgmt: _, apikey: __, ...read }) => read)
