import { useEffect, useRef } from 'react'
import type { Store } from '../bridge/store.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Menu, type MenuItem } from '../ui/menu.tsx'
import { Ticking } from '../ui/time.tsx'
import { choosing } from './choice.tsx'
import { ChoiceRows } from './choice-rows.tsx'
import { FullOnly } from './full-only.tsx'
import { ActionButton, Actions, CommandFailure, Reason, StartCore } from './headline.tsx'
import { KeyRows } from './key-rows.tsx'
import {
  AdvisoryRow,
  EventRows,
  FaultsRow,
  ForeignRow,
  HealthRow,
  LastLinesRow,
  NoticeRows,
  PushesRow,
  RegistryRow,
} from './rows.tsx'
import { RunActions } from './run-actions.tsx'
import { StorageRow } from './storage-row.tsx'
import { TransitionSteps } from './transition-steps.tsx'
import { primaryActions, useActs, useRestoredFocus, useStore, type ViewModel } from './view-model.tsx'

/** The glance: is it serving, what is it, how full, what happened last. */
export function Popover({ model }: { model: ViewModel }) {
  const store = useStore()
  const { status } = model
  const { act, sheet } = useActs(status.actions)
  const box = useRef<HTMLDivElement>(null)
  const firstAction = (): HTMLElement | null | undefined =>
    box.current?.querySelector<HTMLElement>('.head .act button') ??
    box.current?.querySelector<HTMLElement>('footer button')
  useRestoredFocus(box, firstAction)
  // It may be hidden and shown again: each time it opens, the keyboard starts at the first action.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first action is looked up when it opens
  useEffect(() => {
    const start = (): void => {
      if (document.visibilityState === 'visible') (firstAction() ?? box.current)?.focus()
    }
    start()
    if (store.shell !== 'electron') return
    document.addEventListener('visibilitychange', start)
    return () => document.removeEventListener('visibilitychange', start)
  }, [])
  useEscape(store)
  // While a restart is under way, its two buttons replace Restart in the footer.
  const below = model.isConnected && status.state === 'draining'
  const choice = choosing(model)
  return (
    <div className="popover" role="dialog" aria-labelledby="headline" ref={box} tabIndex={-1}>
      <header className={`head ${status.class}`}>
        <Glyph name={status.class} size="l" />
        <div role="status" aria-live={status.class === 'down' ? 'assertive' : 'polite'}>
          <h1 id="headline">
            <Ticking text={status.headline} />
          </h1>
          <Reason model={model} />
          {model.isConnected && model.asOf !== undefined && <p className="label">as of {model.asOf}</p>}
        </div>
        {choice ? (
          <ChoiceActions model={model} act={act} />
        ) : (
          !below && <Actions actions={status.actions} act={act} small />
        )}
        {model.canStartCore && <StartCore small />}
        <RunActions model={model} onSteps={() => openWindow(store, 'run')} />
        <TransitionSteps model={model} />
        <CommandFailure model={model} />
      </header>
      <FaultsRow model={model} />
      <LastLinesRow model={model} />
      <PushesRow model={model} />
      <ForeignRow model={model} />
      <HealthRow model={model} />
      {choice && <ChoiceRows model={model} choice={choice} />}
      {(!choice || choice.why === 'other-folder') && <RegistryRow model={model} />}
      {!choice && <StorageRow model={model} />}
      <KeyRows model={model} />
      <AdvisoryRow model={model} />
      <NoticeRows model={model} />
      <EventRows model={model} />
      <Foot model={model} act={act} below={below} />
      {sheet}
    </div>
  )
}

/** What changes least is one press away; what changes more is compared first, in the window. */
function ChoiceActions({ model, act }: { model: ViewModel; act: ReturnType<typeof useActs>['act'] }) {
  const store = useStore()
  const first = model.status.actions.filter(({ verb }) => verb === 'use-zot')
  return (
    <div className="act">
      {first.map(action => (
        <FullOnly key={action.verb} to="choose">
          <Button kind={action.kind} small onPress={() => act(action)}>
            {action.label}
          </Button>
        </FullOnly>
      ))}
      <Button small onPress={() => openWindow(store)}>
        {first.length > 0
          ? 'Compare both…'
          : model.snapshot.process.kind === 'undecided' && model.snapshot.process.why === 'open-registry'
            ? 'Show what is open…'
            : 'Show what changed…'}
      </Button>
    </div>
  )
}

function Foot({
  model,
  act,
  below,
}: {
  model: ViewModel
  act: ReturnType<typeof useActs>['act']
  below: boolean
}) {
  const store = useStore()
  const buttons = below
    ? model.status.actions
    : primaryActions(model).filter(action => action.verb !== 'stop')
  const first = buttons.filter(action => action.kind !== 'danger')
  const last = buttons.filter(action => action.kind === 'danger')
  const native = store.shell === 'electron'
  const showsLog = native && first.length === 0
  const items: MenuItem[] = [
    ...(below ? [{ label: 'Open Zotbar', onPick: () => openWindow(store) }] : []),
    ...primaryActions(model)
      .filter(action => action.verb === 'stop')
      .map(action => ({ label: 'Stop', onPick: () => act(action) })),
    ...(native && !showsLog ? [{ label: 'Show log', onPick: () => store.open('log-folder') }] : []),
    ...(native
      ? [
          { label: 'Documentation', onPick: () => store.open('docs') },
          { label: 'Quit Zotbar', onPick: () => store.quit() },
        ]
      : []),
  ]
  return (
    <footer>
      {first.map(action => (
        <ActionButton key={action.verb} action={action} act={act} />
      ))}
      {showsLog && <Button onPress={() => store.open('log-folder')}>Show log</Button>}
      <span className="sp" />
      {last.map(action => (
        <Button key={action.verb} kind="danger" onPress={() => act(action)}>
          {action.label}
        </Button>
      ))}
      {!below && <Button onPress={() => openWindow(store)}>Open Zotbar</Button>}
      {items.length > 0 && <Menu label="More actions" items={items} />}
    </footer>
  )
}

/** In a browser the window is the page beside this one. */
function openWindow(store: Store, view?: 'run'): void {
  if (store.shell === 'electron') store.open(view ?? 'window')
  else location.assign(`./window.html${view === undefined ? '' : `#${view}`}`)
}

/** Esc closes the popover, where it is a window of its own. */
function useEscape(store: Store): void {
  useEffect(() => {
    if (store.shell !== 'electron') return
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]'))
        window.close()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [store])
}
