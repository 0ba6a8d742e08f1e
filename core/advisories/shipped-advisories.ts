import type { AdvisorySet } from './advisory-schema.ts'
import type { Matcher } from './matcher.ts'

const openidProviders: Matcher = { set: 'http.auth.openid.providers.*' }

/** Policies of any pattern whose actions have all of `has` and none of `lacks`. */
const somePolicy = (has: string[], lacks: string[]): Matcher => ({
  any: [
    'http.accessControl.repositories.*.policies[*].actions',
    'http.accessControl.repositories.*.defaultPolicy',
    'http.accessControl.repositories.*.anonymousPolicy',
    'http.accessControl.adminPolicy.actions',
  ].map(list => ({ list, has, lacks })),
})

const createWithoutUpdate = somePolicy(['create'], ['update'])
const anonymous: Matcher = { set: 'http.accessControl.repositories.*.anonymousPolicy' }
const authenticated: Matcher = {
  any: [
    { set: 'http.accessControl.repositories.*.policies[*].actions' },
    { set: 'http.accessControl.repositories.*.defaultPolicy' },
    { set: 'http.accessControl.adminPolicy.actions' },
  ],
}

/** What is known of zot's releases. https://github.com/project-zot/zot/releases */
export const shippedAdvisories: AdvisorySet = {
  asOf: '2026-08-31',
  releases: [
    { version: 'v2.1.8', date: '2025-09-01', go: '1.24.4' },
    { version: 'v2.1.9', date: '2025-10-13', go: '1.24.4' },
    { version: 'v2.1.10', date: '2025-10-18', go: '1.24.4' },
    { version: 'v2.1.11', date: '2025-11-20', go: '1.24.6' },
    { version: 'v2.1.12', date: '2025-12-19', go: '1.25.0' },
    { version: 'v2.1.13', date: '2025-12-23', go: '1.25.0' },
    { version: 'v2.1.14', date: '2026-01-24', go: '1.25.5' },
    { version: 'v2.1.15', date: '2026-03-07', go: '1.25.7' },
    { version: 'v2.1.16', date: '2026-04-18', go: '1.25.8' },
    { version: 'v2.1.17', date: '2026-05-17', go: '1.26.0' },
    { version: 'v2.1.18', date: '2026-06-23', go: '1.26.3' },
    { version: 'v2.1.19', date: '2026-08-03', go: '1.26.3' },
    { version: 'v2.1.20', date: '2026-08-04', go: '1.26.3' },
  ],
  advisories: [
    {
      id: 'CVE-2025-30204',
      title: 'A crafted token makes zot use much memory',
      severity: 'warning',
      fixedIn: 'v2.1.14',
      appliesWhen: { any: [{ set: 'http.auth.bearer' }, openidProviders] },
      words:
        'Anybody who reaches the port can send a token whose parsing takes far more memory than the token itself.',
      advice: 'Upgrade; until then let only people you trust reach the port.',
      otherwise:
        'Neither http.auth.bearer nor a provider under http.auth.openid is set, so no such token is read.',
    },
    {
      id: 'callback-ui-open-redirect',
      title: 'A login link can lead to another site',
      severity: 'warning',
      fixedIn: 'v2.1.15',
      appliesWhen: openidProviders,
      words:
        'callback_ui in a login link is not checked, so a link that begins at this registry can end at any site after the sign-in.',
      advice: 'Upgrade; until then open login links only where you know who made them.',
      otherwise: 'No provider is set under http.auth.openid, so there is no login link.',
    },
    {
      id: 'callback-ui-backslash-bypass',
      title: 'A backslash gets a login link past its check',
      severity: 'warning',
      introducedIn: 'v2.1.15',
      fixedIn: 'v2.1.19',
      appliesWhen: openidProviders,
      words:
        'The check of callback_ui lets a target with a backslash through, which browsers read as another site.',
      advice: 'Upgrade; until then open login links only where you know who made them.',
      otherwise: 'No provider is set under http.auth.openid, so there is no login link.',
    },
    {
      id: 'CVE-2026-31801',
      title: 'Who may only create can overwrite the tag latest',
      severity: 'warning',
      fixedIn: 'v2.1.15',
      appliesWhen: createWithoutUpdate,
      words: 'Replacing a tag needs update, but the tag latest is left out of that rule: create is enough.',
      advice: 'Upgrade; until then take create away from whoever must not replace latest.',
      otherwise: 'No policy under http.accessControl gives create without update.',
    },
  ],
  changes: [
    {
      id: 'untagged-removed',
      title: 'Images without a tag are removed',
      severity: 'warning',
      since: 'v2.1.9',
      appliesWhen: {
        all: [
          { not: { path: 'storage.gc', equals: false } },
          { unset: 'storage.retention.policies[*].deleteUntagged' },
        ],
      },
      words:
        'Garbage collection removes untagged manifests without any retention policy too, so what was cached by digest alone goes after the delay.',
      advice: 'To keep them, add a policy with "deleteUntagged": false under storage.retention.policies.',
      back: 'Untagged manifests stay where no retention policy says otherwise.',
    },
    {
      id: 'version-not-told',
      title: 'It does not report its version',
      severity: 'warning',
      since: 'v2.1.10',
      until: 'v2.1.11',
      appliesWhen: { always: true },
      words: 'The output of --version is broken in v2.1.10, so the program cannot be checked by it.',
      advice: 'Take v2.1.11 or later instead.',
    },
    {
      id: 'one-authorization-header',
      title: 'Several Authorization headers are refused',
      severity: 'info',
      since: 'v2.1.12',
      appliesWhen: { set: 'http.auth' },
      words: 'A request with more than one Authorization header is answered 401.',
      advice: 'Look at a reverse proxy that adds the header of its own.',
    },
    {
      id: 'latest-needs-update',
      title: 'Pushing latest again needs update',
      severity: 'warning',
      since: 'v2.1.15',
      appliesWhen: createWithoutUpdate,
      words:
        'The tag latest is no exception any more: who may create but not update gets 403 for pushing it again, for the identical image too. A CI that re-pushes latest fails from here on.',
      advice:
        'Add "update" to the actions of whoever re-pushes tags, or let the CI push a new tag each time.',
      back: 'Pushing latest again needs only create, for everybody who has it.',
    },
    {
      id: 'login-target-checked',
      title: 'A login leads back only to known origins',
      severity: 'info',
      since: 'v2.1.15',
      appliesWhen: { all: [openidProviders, { unset: 'http.auth.openid.callbackAllowOrigins' }] },
      words: 'callback_ui on another origin than http.externalUrl ends at the front page instead.',
      advice:
        'Name the origins of other pages that sign in here in http.auth.openid.callbackAllowOrigins, after the upgrade.',
    },
    {
      id: 'docker-asked-to-sign-in',
      title: 'Docker clients without credentials get 401 on /v2/',
      severity: 'warning',
      since: 'v2.1.16',
      appliesWhen: { all: [anonymous, authenticated] },
      words:
        'Where policies for anonymous and for signed-in people stand side by side, Docker clients without credentials are answered 401 on /v2/. Other clients still get 200.',
      advice:
        'Let Docker clients sign in (docker login), also those that only pull, and point health checks at /readyz.',
      back: 'Docker clients without credentials get 200 on /v2/ again.',
    },
    {
      id: 'request-time-limits',
      title: 'A request may take 60 s',
      severity: 'warning',
      since: 'v2.1.17',
      appliesWhen: { any: [{ unset: 'http.readTimeout' }, { unset: 'http.writeTimeout' }] },
      words:
        'Reading a request and writing an answer are cut off after 60 s each, whole: slow pushes of large layers and slow first pulls through the cache fail.',
      advice:
        'Set http.readTimeout and http.writeTimeout, together with the upgrade: earlier versions do not know them and do not start with them. Zotbar does it where the setting upgrade.timeLimits is true.',
      back: 'Requests have no time limit.',
    },
    {
      id: 'anonymous-metrics',
      title: 'Anonymous metrics need another key',
      severity: 'warning',
      since: 'v2.1.18',
      appliesWhen: { list: 'http.accessControl.metrics.users', has: [''] },
      words:
        'An empty name in http.accessControl.metrics.users lets nobody in without a credential any more: scrapers get 401.',
      advice:
        'Replace it by "anonymousPolicy": ["read"], together with the upgrade: every earlier version refuses that key.',
    },
  ],
  keys: [
    {
      path: 'http.auth.secureSession',
      since: 'v2.1.11',
      without: 'session cookies are Secure only where http.tls is set',
    },
    {
      path: 'http.auth.openid.providers.*.claimMapping',
      since: 'v2.1.11',
      without: 'people are known by their e-mail address, so policies that name them may not fit any more',
    },
    {
      path: 'http.auth.openid.providers.*.claimMapping.groups',
      since: 'v2.1.17',
      without: 'groups are read from the claim "groups"',
    },
    {
      path: 'http.auth.openid.callbackAllowOrigins',
      since: 'v2.1.15',
      without: 'where a login leads back to is not checked at all',
    },
    { path: 'storage.maxRepos', since: 'v2.1.16', without: 'the number of repositories has no limit' },
    {
      path: 'storage.subPaths.*.maxRepos',
      since: 'v2.1.16',
      without: 'the number of repositories has no limit',
    },
    { path: 'http.readTimeout', since: 'v2.1.17', without: 'requests have no time limit' },
    { path: 'http.writeTimeout', since: 'v2.1.17', without: 'answers have no time limit' },
    {
      path: 'http.accessControl.metrics.anonymousPolicy',
      since: 'v2.1.18',
      without: 'an empty name in http.accessControl.metrics.users lets anonymous scrapers in instead',
    },
    {
      path: 'storage.fastRestart',
      since: 'v2.1.18',
      without: 'a start takes longer where the store is large',
    },
    {
      path: 'storage.subPaths.*.fastRestart',
      since: 'v2.1.18',
      without: 'a start takes longer where the store is large',
    },
    {
      path: 'storage.gcTimeWindow',
      since: 'v2.1.19',
      without: 'garbage is collected at any time of the day',
    },
    {
      path: 'storage.subPaths.*.gcTimeWindow',
      since: 'v2.1.19',
      without: 'garbage is collected at any time of the day',
    },
    {
      path: 'storage.retention.policies[*].keepUntagged',
      since: 'v2.1.19',
      without: 'untagged images that it kept may be removed',
    },
    {
      path: 'storage.subPaths.*.retention.policies[*].keepUntagged',
      since: 'v2.1.19',
      without: 'untagged images that it kept may be removed',
    },
    {
      path: 'extensions.sync.registries[*].maxRetryDelay',
      since: 'v2.1.19',
      without: 'waits between attempts grow to 30 s',
    },
  ],
}
