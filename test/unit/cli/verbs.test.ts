import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unattendedText } from '../../../cli/follow-run.ts'
import { linesNotShown } from '../../../cli/logs.ts'
import { pagePath, redirectPage } from '../../../cli/open.ts'
import { stateLine } from '../../../cli/registry.ts'
import { parseValue } from '../../../cli/settings.ts'
import { statusText } from '../../../cli/status.ts'
import { plainText } from '../../../contract/messages/format.ts'
import type { Undecided } from '../../../contract/undecided.ts'
import { aSnapshot, restartStates, servingState } from '../../fakes/host.ts'
import { otherFolder, zotStore } from '../../fakes/undecided.ts'

describe('joining the tail of the log with what came meanwhile', () => {
  it.each([
    [['a', 'b'], [], []],
    [[], ['a'], ['a']],
    [['a', 'b'], ['b', 'c'], ['c']],
    [['a', 'b'], ['a', 'b'], []],
    [['a', 'b'], ['c'], ['c']],
    [['x', 'a', 'a'], ['a', 'a', 'b'], ['b']],
  ])('%j then %j adds %j', (shown, more, added) => {
    expect(linesNotShown(shown, more)).toEqual(added)
  })
})

describe('a word of the command line as the value of a setting', () => {
  const row = { key: 'k', words: '', allowed: '', how: 'now', via: 'any' } as const
  it.each([
    [false, 'true', true],
    [true, 'false', false],
    [true, 'yes', 'yes'],
    [5050, '5051', 5051],
    [0.5, '-1.5', -1.5],
    [5050, '0x10', '0x10'],
    [5050, '', ''],
    ['', 'true', 'true'],
    ['', '12', '12'],
  ])('default %j: %j is %j', (usual, word, value) => {
    expect(parseValue({ ...row, value: usual, default: usual }, word)).toEqual(value)
  })
})

describe('zotbar status for people', () => {
  it('says one fact a line on one text edge', () => {
    const text = statusText(
      aSnapshot({
        service: {
          checkedAt: 60_000,
          probes: [{ id: 'manifest', outcome: 'passed', tookMs: 3, detail: '' }],
        },
        storage: {
          scanning: false,
          bytes: 41_200_000_000,
          repositories: 58,
          tags: 1_204,
          freeBytes: 212_000_000_000,
          biggest: [],
          history: [],
        },
        journal: [
          {
            id: '1',
            at: 0,
            cause: 'crashed',
            exit: { kind: 'signal', signal: 'SIGKILL' },
            downMs: 400,
            lastLines: [],
          },
        ],
        dashboard: { url: 'http://127.0.0.1:7000/' },
      }),
      100_000,
    )
    expect(plainText(text)).toBe(
      [
        'State      Serving',
        '           58 repositories, 1,204 tags. A test pull matched its digest 40 s ago.',
        'Address    http://127.0.0.1:5050',
        'Engine     zotbar-registry 0.1.0, process 4242',
        'Storage    41.2 GB in 58 repositories, 1,204 tags; 212 GB free',
        'Last       Crashed and restarted 1 min ago. It ended by signal SIGKILL. 0.4 s without an answer.',
        'Dashboard  http://127.0.0.1:7000/ (a link to it: zotbar open)',
      ].join('\n'),
    )
  })

  it('says that nothing runs', () => {
    const text = statusText(aSnapshot({ process: { kind: 'stopped', since: 0, why: 'asked' } }), 1_000)
    expect(text).toContain('State      Not running')
    expect(text).toContain('Engine     zotbar-registry, not running')
    expect(text).toContain('Storage    not counted yet')
    expect(text).not.toContain('Dashboard')
  })

  it('names no engine where nobody has chosen one', () => {
    const text = (choice: Undecided) =>
      statusText(aSnapshot({ process: { kind: 'undecided', since: 0, ...choice } }), 1_000)
    expect(text(zotStore(1_000))).toContain('Engine     none is chosen yet\n')
    expect(text(otherFolder(1_000))).toContain('Engine     zotbar-registry, not running')
  })
})

describe('the states of a restart', () => {
  it('are told apart, though their headline is one', () => {
    const lines = [...restartStates, servingState].map(process => stateLine(aSnapshot({ process }), 0))
    expect(lines).toEqual(['Finishing pushes', 'Stopping', 'Starting', 'Serving'])
  })
})

describe('the page that leads a browser to the dashboard', () => {
  it('holds the link, quoted', () => {
    expect(redirectPage('http://127.0.0.1:1/#token=a_b-c')).toContain(
      'content="0;url=http://127.0.0.1:1/#token=a_b-c"',
    )
    expect(redirectPage('"><script>&')).not.toContain('"><script>')
  })

  it.each([
    ['linux', 'firefox_firefox.desktop', 'snap'],
    ['linux', 'firefox-esr.desktop', 'home'],
    ['linux', 'org.mozilla.firefox.desktop', 'home'],
    ['linux', 'chromium_chromium.desktop', 'home'],
    ['linux', undefined, 'home'],
    ['darwin', 'firefox_firefox.desktop', 'home'],
  ] as const)('lies where the browser of %s, %s, may read it: %s', async (platform, browser, where) => {
    const homeOfUser = await mkdtemp(join(tmpdir(), 'zotbar-open-'))
    await mkdir(join(homeOfUser, 'snap', 'firefox', 'common'), { recursive: true })
    const home = join(homeOfUser, '.local', 'share', 'zotbar')
    const places = {
      snap: join(homeOfUser, 'snap', 'firefox', 'common', 'zotbar-open.html'),
      home: join(home, 'open.html'),
    }
    const defaultBrowser = async () => browser
    expect(await pagePath({ home, homeOfUser, platform, defaultBrowser })).toBe(places[where])
    await rm(homeOfUser, { recursive: true })
  })
})

describe('a question where nobody can answer', () => {
  const question = { id: 'q', title: 'Sign in at 1Password', body: '', confirm: 'Go on' }
  it.each([
    [
      '--yes would have answered it',
      question,
      { yes: false },
      'Nobody can answer here; agree beforehand with --yes.',
    ],
    [
      '--yes does not',
      question,
      { yes: true },
      'Nobody can answer this here, and --yes does not: Sign in at 1Password',
    ],
    ['there is no --yes', question, {}, 'Nobody can answer this here: Sign in at 1Password'],
    [
      'it stays locked',
      { ...question, triesAgain: true as const },
      { yes: false },
      'Nobody can answer here: Sign in at 1Password.',
    ],
    [
      'a key is needed',
      { ...question, wants: { keyOf: 'ci' } },
      { yes: true },
      'Nobody can give a key of ci here.',
    ],
  ])('%s', (_, asked, options, text) => {
    expect(unattendedText(asked, options)).toBe(text)
  })
})
