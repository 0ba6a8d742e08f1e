import { performance } from 'node:perf_hooks'
import { eventually } from '../eventually.ts'
import { KeeperRig, type KeptBy, type Outcome } from './keeper-rig.ts'

/** One line of the table: what happens, and what serves afterwards for each keeper. */
export interface Event {
  name: string
  act(rig: KeeperRig): Promise<void> | void
  after: Record<KeptBy, Outcome>
}

const same: Outcome = { core: 'same', registry: 'same' }
const registryAlone: Outcome = { core: 'none', registry: 'same' }
const nothing: Outcome = { core: 'none', registry: 'none' }
const coreAgain: Outcome = { core: 'new', registry: 'same' }
const bothAgain: Outcome = { core: 'new', registry: 'new' }
const forAll = (outcome: Outcome): Record<KeptBy, Outcome> => ({
  terminal: outcome,
  launchd: outcome,
  systemd: outcome,
  app: outcome,
})

export const events: readonly Event[] = [
  {
    name: 'the app is killed',
    act(rig) {
      rig.kill('app')
      return rig.appGone()
    },
    after: forAll(same),
  },
  {
    name: 'the core is killed',
    act: rig => rig.kill('core'),
    after: { terminal: registryAlone, launchd: coreAgain, systemd: coreAgain, app: coreAgain },
  },
  {
    name: 'app and core are killed',
    act(rig) {
      rig.kill('app')
      rig.kill('core')
    },
    after: { terminal: registryAlone, launchd: coreAgain, systemd: coreAgain, app: registryAlone },
  },
  {
    name: 'registry and core are killed',
    act(rig) {
      rig.kill('core')
      rig.kill('registry')
    },
    after: { terminal: nothing, launchd: bothAgain, systemd: bothAgain, app: bothAgain },
  },
  {
    name: 'Quit in the app',
    act(rig) {
      rig.app.tell('quit')
      return rig.appGone()
    },
    after: { terminal: same, launchd: same, systemd: same, app: nothing },
  },
  {
    name: 'Quit in the app, to keep serving',
    act(rig) {
      rig.app.tell('quit-keep')
      return rig.appGone()
    },
    after: forAll(same),
  },
  {
    name: 'zotbar quit',
    act: async rig => expectExit((await rig.rig.zotbar('quit', '--json')).code, 0),
    after: forAll(nothing),
  },
  {
    name: 'zotbar quit --keep-serving',
    act: async rig => expectExit((await rig.rig.zotbar('quit', '--keep-serving')).code, 0),
    after: forAll(registryAlone),
  },
  { name: 'the user logs out', act: rig => rig.logOut(), after: forAll(nothing) },
  {
    name: 'another core is started',
    async act(rig) {
      expectExit((await rig.startAnother('terminal')).code, 1)
      expectExit((await rig.startAnother('app')).code, 1)
      expectExit((await rig.startAnother('service')).code, 0)
    },
    after: forAll(same),
  },
]

function expectExit(code: number | null, expected: number): void {
  if (code !== expected) throw new Error(`it ended with ${code}, not with ${expected}`)
}

export interface Line {
  outcome: Outcome
  /** From the event until core and registry are what they stay, ms. */
  settledMs: number
  /** The longest time between two answers of the registry meanwhile, ms; undefined where it ends. */
  silentMs?: number
}

/** Brings everything up, lets the event happen, and tells what serves then. Throws what does not come about. */
export async function happens(by: KeptBy, { act, after }: Event): Promise<Line> {
  const rig = await KeeperRig.make(by)
  try {
    await rig.start()
    const expected = after[by]
    const probe = probing(rig)
    const from = performance.now()
    await act(rig)
    const wanted = JSON.stringify(expected)
    let seen = ''
    await eventually(async () => {
      seen = JSON.stringify(await rig.observe())
      return seen === wanted
    }).catch(() => {
      throw new Error(`${by}: ${seen}, not ${wanted}`)
    })
    const settledMs = performance.now() - from
    // Nobody starts it again, once everybody who could has decided.
    if (expected.core === 'none') await eventually(() => rig.isSettled())
    const silentMs = await probe.end()
    const outcome = await rig.observe()
    if (JSON.stringify(outcome) !== wanted)
      throw new Error(`${by}: ${JSON.stringify(outcome)} in the end, not ${wanted}`)
    return { outcome, settledMs, ...(expected.registry === 'none' ? {} : { silentMs }) }
  } finally {
    await rig.end()
  }
}

/** Asks the registry again and again, and tells the longest time between two answers in ms. */
function probing(rig: KeeperRig): { end(): Promise<number> } {
  let ends = false
  const done = (async () => {
    let [last, longest] = [performance.now(), 0]
    while (!ends) {
      if (await rig.serves()) {
        longest = Math.max(longest, performance.now() - last)
        last = performance.now()
      }
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    return longest
  })()
  return {
    end() {
      ends = true
      return done
    },
  }
}
