import type { ProcessState } from '../registry-state.ts'
import { unreachable } from '../result.ts'
import type { OpenToAll, Undecided } from '../undecided.ts'
import { capital, count, numberWord } from './format.ts'
import { openCommand, openText } from './open-message.ts'
import { faultMessage } from './start-message.ts'

/** What choosing one of the two programs changes in one respect; `lines` are details. */
export interface ChoiceEffect {
  mark: 'fine' | 'attention' | 'down'
  title: string
  lines: string[]
}

/** One respect in which the two programs are compared. */
export interface ChoiceRow {
  name: string
  zot: ChoiceEffect
  zotbarRegistry: ChoiceEffect
}

/** A question before an action: what it would do, and the button that repeats its verb. */
export interface Question {
  title: string
  body: string
  /** What would change in a file, unified; shown below the body. */
  diff?: string
  confirm: string
}

/** The question before an engine is chosen, depending on what was found. */
export function engineQuestion(engine: 'zot' | 'zotbar-registry', process: ProcessState): Question {
  const open = process.kind === 'undecided' ? process : undefined
  const by = open?.was?.servedBy
  const zot = by?.engine === 'zot' && by.version !== undefined ? `zot ${by.version}` : 'zot'
  switch (engine) {
    case 'zot':
      return {
        title: `Use ${zot}?`,
        body: [
          `The images stay as they are; config.json is read as it is.${by?.engine === 'zotbar-registry' ? ' API keys and sessions end; make new keys afterwards.' : ''}`,
          'The choice is kept; zotbar engine use changes it later.',
        ].join('\n'),
        confirm: 'Use zot',
      }
    case 'zotbar-registry':
      return {
        title: `Use zotbar-registry instead of ${zot}?`,
        body: [
          'The images stay as they are. API keys and sessions of zot end, as only zot reads them; make new keys afterwards.',
          ...(open?.config.withoutEffect ?? []).map(({ message }) => message),
        ].join('\n'),
        confirm: 'Use zotbar-registry',
      }
    default:
      return unreachable(engine)
  }
}

/** The question before it is agreed that everyone is served; `machine` as `thisMachine` gives it. */
export function openQuestion({ address, most, rights }: OpenToAll, machine: string): Question {
  return {
    title: `Serve ${address} to everyone?`,
    body: [
      `${openText(most, machine)}, and nobody is asked who they are.`,
      ...rights.map(text => `Everyone may ${text}.`),
      'It holds for this address and these rights; more is asked again.',
    ].join('\n'),
    confirm: 'Serve it to everyone',
  }
}

const fine = (title: string, ...lines: string[]): ChoiceEffect => ({ mark: 'fine', title, lines })
const attention = (title: string, ...lines: string[]): ChoiceEffect => ({ mark: 'attention', title, lines })

const isSync = ({ keyPath }: { keyPath?: string }): boolean =>
  keyPath === 'extensions.sync' || keyPath?.startsWith('extensions.sync.') === true

/** What zot and zotbar-registry each change for what was found, or leave as it is; unknown respects are left out. */
export function choiceRows(undecided: Undecided, advisories = 0): ChoiceRow[] {
  const { refused, withoutEffect } = undecided.config
  const sync = [...refused, ...withoutEffect].find(isSync)
  return [
    { name: 'Images', zot: fine('Nothing'), zotbarRegistry: fine('Nothing: same folder, same digests') },
    ...keys(undecided),
    ...(sync === undefined
      ? []
      : [
          {
            name: 'Pull-through',
            zot: fine('As in config.json'),
            zotbarRegistry: attention('No pull-through', `${sync.message}.`),
          },
        ]),
    ...otherMachines(undecided),
    { name: 'config.json', zot: fine('Read as it is'), zotbarRegistry: config(undecided) },
    ...(advisories === 0
      ? []
      : [
          {
            name: 'Known faults',
            zot: attention(
              `${count(advisories, 'advisory', 'advisories')} ${advisories === 1 ? 'affects' : 'affect'} it`,
            ),
            zotbarRegistry: fine('None known'),
          },
        ]),
    {
      name: 'Way back',
      zot: fine('At any time'),
      zotbarRegistry: fine(
        'At any time',
        'What was pushed meanwhile is there for zot too; keys made here are not.',
      ),
    },
  ]
}

/** zot serves a registry that asks nobody who they are; zotbar-registry, once somebody agreed to it. */
function otherMachines({ open }: Undecided): ChoiceRow[] {
  if (open === undefined) return []
  return [
    {
      name: 'Other machines',
      zot: fine('Served, and nobody is asked who they are'),
      zotbarRegistry: attention('Served once you agree that nobody is asked', openCommand(open)),
    },
  ]
}

/** API keys and sessions are in a database that only the program that created it can read. */
function keys({ found, was }: Undecided): ChoiceRow[] {
  const name = 'Keys, sign-in'
  const unchanged = fine('Nothing: they go on')
  if (found.databases.length > 0 || was?.servedBy?.engine === 'zot')
    return [
      {
        name,
        zot: unchanged,
        zotbarRegistry: attention(
          'API keys and sessions end; make new ones',
          'They are in meta.db, which only zot reads. CI is refused with 401 until then.',
        ),
      },
    ]
  if (was?.servedBy?.engine === 'zotbar-registry')
    return [{ name, zot: attention('API keys and sessions end; make new ones'), zotbarRegistry: unchanged }]
  return []
}

const partCount = (n: number): string => `${numberWord(n)} ${n === 1 ? 'part' : 'parts'}`

function config({ config: { refused, withoutEffect } }: Undecided): ChoiceEffect {
  const refuses = refused.filter(fault => !isSync(fault))
  if (refuses.length > 0)
    return {
      mark: 'down',
      title: `Refuses ${partCount(refuses.length)} of config.json: it does not start`,
      lines: refuses.map(faultMessage),
    }
  const idle = withoutEffect.filter(fault => !isSync(fault))
  if (idle.length === 0) return fine('Read as it is')
  return {
    mark: 'attention',
    title: `${capital(partCount(idle.length))} of config.json ${idle.length === 1 ? 'has' : 'have'} no effect`,
    lines: idle.map(faultMessage),
  }
}
