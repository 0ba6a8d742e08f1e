import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PlanInput, planRetention, type Usage } from '../../../registry/maintenance/retention.ts'
import type { KeepTags, Policy } from '../../../registry/maintenance/retention-policy.ts'
import { compilePatterns, compileRetention } from '../../../registry/maintenance/retention-policy.ts'
import type { SurveyedManifest } from '../../../registry/storage/maintenance.ts'
import { cpuTime } from '../../fakes/cpu-time.ts'

const hour = 3_600_000
const day = 24 * hour
const now = 1_800_000_000_000
const sha = (text: string): string => `sha256:${Buffer.from(text).toString('hex').padStart(64, '0')}`

const manifest = (name: string, more: Partial<SurveyedManifest> = {}): SurveyedManifest => ({
  digest: sha(name),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  tags: [],
  hasUntagged: (more.tags ?? []).length === 0,
  writtenAt: now - 30 * day,
  kind: 'image',
  links: [],
  required: [],
  subject: undefined,
  ...more,
})
const rules = (more: Partial<KeepTags> & { patterns?: string[] } = {}): KeepTags => {
  const { patterns = [], ...rest } = more
  const compiled = compilePatterns(patterns)
  if (!compiled.ok) throw new Error(compiled.reason)
  return {
    matches: compiled.matches,
    pulledWithin: undefined,
    pushedWithin: undefined,
    mostRecentlyPulledCount: 0,
    mostRecentlyPushedCount: 0,
    ...rest,
  }
}
const policy = (more: Partial<Policy> = {}): Policy => ({
  deleteReferrers: false,
  deleteUntagged: true,
  keepTags: [],
  keepUntagged: undefined,
  ...more,
})
const plan = (manifests: SurveyedManifest[], more: Partial<PlanInput> = {}) =>
  planRetention({
    manifests,
    usage: () => undefined,
    policy: policy(),
    delay: hour,
    now,
    countedSince: 0,
    ...more,
  })
const gone = (manifests: SurveyedManifest[], more: Partial<PlanInput> = {}): string[] =>
  plan(manifests, more).removals.map(({ tag, digest }) => tag ?? digest)
const used = (table: Record<string, Usage>) => (reference: string) => table[reference]

describe('what goes without a policy', () => {
  it('is untagged, older than the delay, and nothing else', () => {
    const manifests = [
      manifest('tagged', { tags: ['v1'] }),
      manifest('old'),
      manifest('young', { writtenAt: now - hour + 1 }),
      manifest('lost', { writtenAt: undefined }),
    ]
    expect(gone(manifests)).toEqual([sha('old'), sha('lost')])
  })

  it('is no child of an index that stays, however deep', () => {
    const manifests = [
      manifest('outer', { tags: ['v1'], kind: 'index', links: [sha('inner')] }),
      manifest('inner', { kind: 'index', links: [sha('amd'), sha('absent')] }),
      manifest('amd'),
      manifest('other'),
    ]
    expect(gone(manifests)).toEqual([sha('other')])
  })

  it('takes the children of an index that goes with it, but for the young', () => {
    const manifests = [
      manifest('index', { kind: 'index', links: [sha('amd'), sha('arm')] }),
      manifest('amd'),
      manifest('arm', { writtenAt: now }),
    ]
    expect(gone(manifests)).toEqual([sha('index'), sha('amd')])
  })

  it('is no referrer, whether its subject is there or not', () => {
    const manifests = [
      manifest('image', { tags: ['v1'] }),
      manifest('note', { subject: sha('image') }),
      manifest('orphan', { subject: sha('nothing') }),
    ]
    expect(gone(manifests)).toEqual([])
  })

  it('spares what a push has just relied on', () => {
    const usage = used({ [sha('again')]: { pushedAt: now - 1 } })
    expect(gone([manifest('again')], { usage })).toEqual([])
  })
})

describe('deleteReferrers', () => {
  const deleting = { policy: policy({ deleteReferrers: true }) }
  it('takes referrers of nothing, and referrers of those', () => {
    const manifests = [
      manifest('image', { tags: ['v1'] }),
      manifest('note', { subject: sha('image') }),
      manifest('note on note', { subject: sha('note') }),
      manifest('orphan', { subject: sha('nothing') }),
      manifest('note on orphan', { subject: sha('orphan') }),
      manifest('young orphan', { subject: sha('nothing'), writtenAt: now }),
      manifest('note on young', { subject: sha('young orphan') }),
    ]
    expect(gone(manifests, deleting)).toEqual([sha('orphan'), sha('note on orphan')])
  })

  it('knows signatures by the tags that older clients give them', () => {
    const tag = (name: string): string => sha(name).replace(':', '-')
    const manifests = [
      manifest('image', { tags: ['v1'] }),
      manifest('sig', { tags: [`${tag('image')}.sig`] }),
      manifest('old sig', { tags: [`${tag('nothing')}.sig`] }),
      manifest('fallback', { tags: [tag('nothing')], kind: 'index' }),
    ]
    expect(gone(manifests, deleting)).toEqual([`${tag('nothing')}.sig`, tag('nothing')])
    expect(gone(manifests)).toEqual([])
    const strict = { policy: policy({ keepTags: [rules({ patterns: ['^v'] })] }) }
    expect(gone(manifests, strict)).toEqual([])
  })

  it('takes what referred to an image that retention takes', () => {
    const manifests = [manifest('image', { tags: ['old'] }), manifest('note', { subject: sha('image') })]
    const both = { policy: policy({ deleteReferrers: true, keepTags: [rules({ patterns: ['^v'] })] }) }
    expect(gone(manifests, both)).toEqual(['old', sha('note')])
  })
})

describe('keepTags', () => {
  const tagged = (...tags: string[]) => manifests(tags.map((tag, at) => [tag, at + 1]))
  /** Tags with their ages in days. */
  const manifests = (list: (readonly [string, number])[]) =>
    list.map(([tag, age]) => manifest(tag, { tags: [tag], writtenAt: now - age * day }))
  const keeping = (...keepTags: KeepTags[]) => ({ policy: policy({ keepTags }) })

  it("takes what matches no pattern, with the reason in zot's words", () => {
    const { decisions } = plan(tagged('v1', 'dev'), keeping(rules({ patterns: ['^v\\d+$'] })))
    expect(decisions.map(({ tag, decision, reason }) => [tag, decision, reason])).toEqual([
      ['dev', 'delete', "didn't meet any tag 'patterns' rules"],
      ['v1', 'keep', 'retained by patterns policy'],
    ])
  })

  it('finds patterns anywhere in a tag, as Go does; no pattern is every tag', () => {
    expect(gone(tagged('rc-v2-x', 'dev'), keeping(rules({ patterns: ['v2'] })))).toEqual(['dev'])
    expect(gone(tagged('v1', 'dev'), keeping(rules()))).toEqual([])
  })

  it('counts only the first set of patterns that a tag matches', () => {
    const keep = keeping(rules({ patterns: ['^v'], mostRecentlyPushedCount: 1 }), rules({ patterns: ['.*'] }))
    expect(gone(tagged('v3', 'v2', 'dev'), keep)).toEqual(['v2'])
  })

  it('keeps what meets any one rule', () => {
    const keep = keeping(rules({ pushedWithin: 2.5 * day, mostRecentlyPulledCount: 1 }))
    const usage = used({ d: { lastPulled: now - 5 }, c: { lastPulled: now - 10 } })
    const { removals, decisions } = plan(tagged('a', 'b', 'c', 'd'), { ...keep, usage })
    expect(removals.map(({ tag }) => tag)).toEqual(['c'])
    expect(decisions.find(({ tag }) => tag === 'c')?.reason).toBe("didn't meet any tag retention rule")
  })

  it('goes by the records of pushes and pulls before the age of files, pulls by digest included', () => {
    const usage = used({
      a: { pushedAt: now - 9 * day },
      [sha('b')]: { lastPulled: now - 1 },
    })
    expect(gone(tagged('a', 'b'), { ...keeping(rules({ pushedWithin: 5 * day })), usage })).toEqual(['a'])
    expect(gone(tagged('a', 'b'), { ...keeping(rules({ pulledWithin: day })), usage })).toEqual(['a'])
  })

  it('takes nobody for unpulled before pulls were counted', () => {
    const keep = keeping(rules({ pulledWithin: 3 * day }))
    const list = [
      ['old', 30],
      ['new', 4],
    ] as const
    expect(gone(manifests([...list]), { ...keep, countedSince: now - 2 * day })).toEqual([])
    expect(gone(manifests([...list]), { ...keep, countedSince: now - 5 * day })).toEqual(['old', 'new'])
  })

  it('keeps a tag of which nothing is known', () => {
    const { removals, decisions } = plan(
      [manifest('a', { tags: ['x'], writtenAt: undefined })],
      keeping(rules({ patterns: ['^v'] })),
    )
    expect(removals).toEqual([])
    expect(decisions).toMatchObject([{ decision: 'keep', reason: 'tag statistics not found' }])
  })

  it('leaves the digest in place for an index that lists it', () => {
    const list = [
      manifest('index', { tags: ['v1'], kind: 'index', links: [sha('amd')] }),
      manifest('amd', { tags: ['amd-test'] }),
      manifest('both', { tags: ['v2', 'test'] }),
    ]
    const { removals } = plan(list, keeping(rules({ patterns: ['^v'] })))
    expect(removals).toEqual([
      { digest: sha('amd'), tag: 'amd-test', staysByDigest: true },
      { digest: sha('both'), tag: 'test', staysByDigest: true },
    ])
  })
})

describe('keepUntagged', () => {
  it('keeps untagged images by the same rules, and does not count what an index lists', () => {
    const keepUntagged = rules({ mostRecentlyPushedCount: 1, pulledWithin: day })
    const manifests = [
      manifest('oldest', { writtenAt: now - 9 * day }),
      manifest('pulled', { writtenAt: now - 8 * day }),
      manifest('child', { writtenAt: now - 2 * day }),
      manifest('index', { writtenAt: now - 3 * day, kind: 'index', links: [sha('child')] }),
    ]
    const usage = used({ [sha('pulled')]: { lastPulled: now - hour } })
    expect(gone(manifests, { policy: policy({ keepUntagged }), usage })).toEqual([sha('oldest')])
  })

  it('deleteUntagged off keeps them all', () => {
    expect(gone([manifest('a')], { policy: policy({ deleteUntagged: false }) })).toEqual([])
  })
})

describe('properties', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const anyManifests = fc.tuple(
    ...names.map(name =>
      fc.record({
        tags: fc.subarray([`${name}1`, `v${name}`, `w${name}`]),
        hasUntagged: fc.boolean(),
        writtenAt: fc.option(fc.integer({ min: now - 3 * hour, max: now }), { nil: undefined }),
        kind: fc.constantFrom('image' as const, 'index' as const),
        links: fc.subarray(names.map(sha)),
        subject: fc.option(fc.constantFrom(...names.map(sha), sha('zz')), { nil: undefined }),
      }),
    ),
  )
  const anyPolicy = fc.record({
    deleteReferrers: fc.boolean(),
    deleteUntagged: fc.boolean(),
    keepTags: fc.array(
      fc
        .record({
          patterns: fc.subarray(['^v', 'a', '1$']),
          mostRecentlyPushedCount: fc.integer({ min: 0, max: 2 }),
          pushedWithin: fc.option(fc.integer({ min: 1, max: 3 * hour }), { nil: undefined }),
        })
        .map(rules),
      { maxLength: 2 },
    ),
    keepUntagged: fc.option(fc.constant(rules({ mostRecentlyPushedCount: 1 })), { nil: undefined }),
  })

  it('what stays is whole, what goes was there, and a second run changes nothing', () => {
    fc.assert(
      fc.property(anyManifests, anyPolicy, (parts, chosen) => {
        const all = names.map((name, at) => {
          const part = parts[at]!
          return manifest(name, { ...part, hasUntagged: part.hasUntagged || part.tags.length === 0 })
        })
        const { removals } = plan(all, { policy: chosen })
        const going = new Set(removals.map(({ digest, tag }) => `${digest} ${tag ?? ''}`))
        expect(going.size).toBe(removals.length)
        const after = all
          .map(it => {
            const mine = removals.filter(({ digest }) => digest === it.digest)
            const tags = it.tags.filter(tag => !going.has(`${it.digest} ${tag}`))
            const stays = mine.some(({ staysByDigest }) => staysByDigest)
            const hasUntagged =
              (it.hasUntagged && !going.has(`${it.digest} `)) || (stays && tags.length === 0)
            return { ...it, tags, hasUntagged }
          })
          .filter(it => it.tags.length > 0 || it.hasUntagged)
        const left = new Set(after.map(({ digest }) => digest))
        for (const it of after) for (const link of it.links) expect(left.has(link)).toBe(true)
        for (const it of all)
          if (it.subject !== undefined && left.has(it.subject)) expect(left.has(it.digest)).toBe(true)
        const counts = chosen.keepTags.some(rule => rule.mostRecentlyPushedCount > 0) || chosen.keepUntagged
        if (!counts) expect(gone(after, { policy: chosen })).toEqual([])
      }),
      { numRuns: 400 },
    )
  })
})

describe('policies', () => {
  const settings = (policies: object[], more: object = {}) => ({
    retention: {
      dryRun: false,
      delay: hour,
      policies: policies.map(it => ({
        repositories: ['**'],
        deleteReferrers: false,
        deleteUntagged: true,
        keepTags: [],
        keepUntagged: undefined,
        ...it,
      })),
      ...more,
    },
  })
  it('are chosen by the first glob that matches; others have what holds by default', () => {
    const compiled = compileRetention(
      settings([
        { repositories: ['infra/*', 'tmp/**'], deleteReferrers: true },
        { repositories: ['infra/prod'], deleteUntagged: false },
      ]),
    )
    if (!compiled.ok) throw new Error('refused')
    const { policyFor } = compiled.retention
    expect(policyFor('infra/prod').deleteReferrers).toBe(true)
    expect(policyFor('tmp/a/b').deleteReferrers).toBe(true)
    expect(policyFor('infra')).toMatchObject({ deleteReferrers: false, deleteUntagged: true, keepTags: [] })
  })

  it('name the key of a pattern that cannot be kept', () => {
    const keep = { patterns: ['v(?=1)'], ...rules() }
    const compiled = compileRetention(settings([{ keepTags: [keep] }, { repositories: ['a{b'] }]))
    expect(compiled).toMatchObject({
      ok: false,
      problems: [
        expect.stringContaining('storage.retention.policies[0].keepTags[0].patterns: "v(?=1)"'),
        expect.stringContaining('storage.retention.policies[1].repositories: "a{b"'),
      ],
    })
  })

  it('take time in proportion to the tag only', () => {
    const compiled = compilePatterns(['^(a+)+$', '(x|xx)*y$'])
    if (!compiled.ok) throw new Error('refused')
    const spent = cpuTime(() => expect(compiled.matches(`${'a'.repeat(127)}!`)).toBe(false))
    expect(spent).toBeLessThan(1000)
  })
})
