import { useEffect, useRef } from 'react'
import type { Store } from '../bridge/store.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Menu, type MenuItem } from '../ui/menu.tsx'
import { Ticking } from '../ui/ticking.tsx'
import { choosing } from './choice.tsx'
import { ChoiceRows } from './choice-rows.tsx'
import { CourseSteps } from './course-steps.tsx'
import { Actions, CommandFailure, Reason } from './headline.tsx'
import { KeyRows } from './key-rows.tsx'
import { everyday, type Seen, useActs, useKeptFocus, useStore } from './knowledge.tsx'
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

/** The glance: is it serving, what is it, how full, what happened last. */
export function Popover({ seen }: { seen: Seen }) {
  const store = useStore()
  const { glance } = seen
  const { act, sheet } = useActs(glance.actions)
  const box = useRef<HTMLDivElement>(null)
  const firstAction = (): HTMLElement | null | undefined =>
    box.current?.querySelector<HTMLElement>('.head .act button') ??
    box.current?.querySelector<HTMLElement>('footer button')
  useKeptFocus(box, firstAction)
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
  // While a restart is under way its two buttons stand in the footer, in the place of Restart.
  const below = seen.answers && glance.state === 'draining'
  const choice = choosing(seen)
  return (
    <div className="popover" role="dialog" aria-labelledby="headline" ref={box} tabIndex={-1}>
      <header className={`head ${glance.class}`}>
        <Glyph name={glance.class} size="l" />
        <div role="status" aria-live={glance.class === 'down' ? 'assertive' : 'polite'}>
          <h1 id="headline">
            <Ticking text={glance.headline} />
          </h1>
          <Reason seen={seen} />
          {seen.answers && seen.asOf !== undefined && <p className="label">as of {seen.asOf}</p>}
        </div>
        {choice ? (
          <ChoiceActions seen={seen} act={act} />
        ) : (
          !below && <Actions actions={glance.actions} act={act} small />
        )}
        <RunActions seen={seen} onSteps={() => openWindow(store, 'run')} />
        <CourseSteps seen={seen} />
        <CommandFailure seen={seen} />
      </header>
      <FaultsRow seen={seen} />
      <LastLinesRow seen={seen} />
      <PushesRow seen={seen} />
      <ForeignRow seen={seen} />
      <HealthRow seen={seen} />
      {choice && <ChoiceRows seen={seen} choice={choice} />}
      {(!choice || choice.why === 'other-folder') && <RegistryRow seen={seen} />}
      {!choice && <StorageRow seen={seen} />}
      <KeyRows seen={seen} />
      <AdvisoryRow seen={seen} />
      <NoticeRows seen={seen} />
      <EventRows seen={seen} />
      <Foot seen={seen} act={act} below={below} />
      {sheet}
    </div>
  )
}

/** What changes least is one press away; what changes more is compared first, in the window. */
function ChoiceActions({ seen, act }: { seen: Seen; act: ReturnType<typeof useActs>['act'] }) {
  const store = useStore()
  const first = seen.glance.actions.filter(({ verb }) => verb === 'use-zot')
  return (
    <div className="act">
      {first.map(action => (
        <Button key={action.verb} kind={action.kind} small onPress={() => act(action)}>
          {action.label}
        </Button>
      ))}
      <Button small onPress={() => openWindow(store)}>
        {first.length > 0 ? 'Compare both…' : 'Show what changed…'}
      </Button>
    </div>
  )
}

function Foot({ seen, act, below }: { seen: Seen; act: ReturnType<typeof useActs>['act']; below: boolean }) {
  const store = useStore()
  const buttons = below ? seen.glance.actions : everyday(seen).filter(action => action.verb !== 'stop')
  const first = buttons.filter(action => action.kind !== 'danger')
  const last = buttons.filter(action => action.kind === 'danger')
  const native = store.shell === 'electron'
  const showsLog = native && first.length === 0
  const items: MenuItem[] = [
    ...(below ? [{ label: 'Open Zotbar', onPick: () => openWindow(store) }] : []),
    ...everyday(seen)
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
        <Button key={action.verb} onPress={() => act(action)}>
          {action.label}
        </Button>
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
