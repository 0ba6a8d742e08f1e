import type { ReactNode } from 'react'
import { type ChoiceEffect, choiceRows } from '../../contract/messages/choice-message.ts'
import { atTime, numberWord } from '../../contract/messages/format.ts'
import type { StatusVerb } from '../../contract/messages/summary.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { unreachable } from '../../contract/result.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { FolderChange } from './choice-folder.tsx'
import { OpenChoiceView } from './choice-open.tsx'
import { FullOnly } from './full-only.tsx'
import { CommandFailure, Reason } from './headline.tsx'
import { address } from './snapshot-text.ts'
import { useActs, type ViewModel } from './view-model.tsx'

export type Choosing = Extract<ProcessState, { kind: 'undecided' }>

/** The choice that is open and can be made here: the core answers, and no runbook carries one out. */
export function choosing({ snapshot, isConnected: answers }: ViewModel): Choosing | undefined {
  const { process, runbook } = snapshot
  return process.kind === 'undecided' && answers && runbook === undefined ? process : undefined
}

/** The overview while nothing is started: what was found, and what each choice changes. */
export function ChoiceView({ model, choice }: { model: ViewModel; choice: Choosing }) {
  const { act, sheet } = useActs(model.status.actions)
  const button = (verb: StatusVerb) => {
    const action = model.status.actions.find(offered => offered.verb === verb)
    return (
      action && (
        <div className="pick">
          <FullOnly {...(verb === 'use-zot' ? { to: 'choose' } : {})}>
            <Button kind={action.kind} onPress={() => act(action)}>
              {action.label}
            </Button>
          </FullOnly>
        </div>
      )
    )
  }
  return (
    <>
      <div className="scroll">
        <div className="hero asks">
          <Glyph name="asks" size="xl" />
          <div className="say">
            <h2>{model.status.headline}</h2>
            <Reason model={model} />
            <CommandFailure model={model} />
          </div>
        </div>
        <Found model={model} choice={choice} button={button} />
      </div>
      <footer className="choice-foot">
        <p className="small two">
          Meanwhile pulls and pushes to {address(model.snapshot)} are refused. {laterText(choice)}
        </p>
      </footer>
      {sheet}
    </>
  )
}

interface FoundProps {
  model: ViewModel
  choice: Choosing
  button: (verb: StatusVerb) => ReactNode
}

function Found({ model, choice, button }: FoundProps) {
  switch (choice.why) {
    case 'other-folder':
      return <FolderChange model={model} choice={choice} />
    case 'open-registry':
      return <OpenChoiceView choice={choice} />
    case 'store-of-another-engine':
    case 'config-refused':
      return <Comparison model={model} choice={choice} button={button} />
    default:
      return unreachable(choice.why)
  }
}

/** How the choice is changed later. */
function laterText({ why }: Choosing): string {
  if (why === 'other-folder') return ''
  return why === 'open-registry'
    ? 'The choice is kept; zotbar settings set registry.open --default takes it back.'
    : 'The choice is kept; zotbar engine use changes it later.'
}

function Comparison({ model, choice, button }: FoundProps) {
  const { engine, upgrade } = model.snapshot
  return (
    <table className="card cmp">
      <colgroup>
        <col className="respect" />
        <col />
        <col />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">
            <span className="label">What changes</span>
          </th>
          <th scope="col">
            <p className="t">{zotName(choice)}</p>
            <p className="small two">{servedText(choice, model.now)}</p>
            {button('use-zot')}
          </th>
          <th scope="col">
            <p className="t">
              {engine.id === 'zotbar-registry' && engine.version !== undefined
                ? `zotbar-registry ${engine.version}`
                : 'zotbar-registry'}
            </p>
            <p className="small two">comes with Zotbar</p>
            {button('use-zotbar-registry') ?? (
              <p className="small two pick">
                It cannot be chosen while config.json asks for {numberWord(choice.config.refused.length)}{' '}
                {choice.config.refused.length === 1 ? 'thing' : 'things'} that it refuses.
              </p>
            )}
          </th>
        </tr>
      </thead>
      <tbody>
        {choiceRows(choice, upgrade?.advisories.length).map(({ name, zot, zotbarRegistry }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <Effect effect={zot} />
            <Effect effect={zotbarRegistry} />
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Effect({ effect: { mark, title, lines } }: { effect: ChoiceEffect }) {
  return (
    <td>
      <div className="effect">
        <Glyph name={mark} size="s" />
        <div>
          <p>{title}</p>
          {lines.map(line => (
            <p key={line} className="small two">
              {line}
            </p>
          ))}
        </div>
      </div>
    </td>
  )
}

/** "zot v2.1.13", as it last served here. */
export function zotName({ was }: Choosing): string {
  const version = was?.servedBy?.engine === 'zot' ? was.servedBy.version : undefined
  return version === undefined ? 'zot' : `zot ${version}`
}

/** Who served the folder, as far as it is known. */
function servedText({ was, found }: Choosing, now: number): string {
  const by = was?.servedBy
  if (by?.engine !== 'zot')
    return found.databases.length > 0 ? 'its databases lie in the folder' : 'zot of this machine'
  const served = by.until === undefined ? 'served them' : `served them until ${atTime(by.until, now)}`
  return by.program === undefined ? served : `${served}, from ${by.program}`
}
