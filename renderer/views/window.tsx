import { type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import { exactMoment, longDate, timeOfDay } from '../../contract/messages/format.ts'
import { keyBadge } from '../../contract/messages/key-message.ts'
import { Button } from '../ui/button.tsx'
import { Glyph, Icon, type IconName } from '../ui/glyph.tsx'
import { Ticking, Time } from '../ui/time.tsx'
import { Boundary } from './boundary.tsx'
import { ChoiceView, choosing } from './choice.tsx'
import { SessionFoot } from './full-only.tsx'
import { HistoryView } from './history.tsx'
import { ImagesView } from './images.tsx'
import { KeysView } from './keys.tsx'
import { Overview } from './overview.tsx'
import { RunPage } from './run-page.tsx'
import { address, engineName } from './snapshot-text.ts'
import { UpgradeView, upgradeBadge } from './upgrade.tsx'
import { type FreshKeys, useFreshKeys } from './use-fresh-keys.ts'
import { primaryActions, useRestoredFocus, useStore, type ViewModel } from './view-model.tsx'

/** The window: its views at the side with the state below them, the view beside it. */
export function Window({ model }: { model: ViewModel }) {
  const box = useRef<HTMLElement>(null)
  useRestoredFocus(box, () => box.current?.querySelector<HTMLElement>('.act button, .tools button'))
  const route = useRoute(box)
  const fresh = useFreshKeys(model)
  return (
    <div className="window">
      <SideBar model={model} route={route} />
      <main className="content" ref={box} tabIndex={-1} aria-labelledby="view">
        <Boundary key={`${route.view} ${route.run ?? ''}`} name={nameOf(route)} id="view">
          <View model={model} route={route} fresh={fresh} />
        </Boundary>
      </main>
    </div>
  )
}

const views = [
  { id: 'overview', name: 'Overview', icon: 'overview' },
  { id: 'images', name: 'Images', icon: 'images' },
  { id: 'keys', name: 'Keys', icon: 'key' },
  { id: 'upgrade', name: 'Upgrade', icon: 'upgrade' },
] as const satisfies readonly { id: string; name: string; icon: IconName }[]
type ViewId = (typeof views)[number]['id']

/** What the address names: a view of the side bar, the steps of a run, or what was done. */
interface Route {
  view: ViewId | 'run' | 'done'
  /** The run that is named. */
  run?: string
}

const nameOf = ({ view }: Route): string => views.find(({ id }) => id === view)?.name ?? 'This view'

function View({ model, route, fresh }: { model: ViewModel; route: Route; fresh: FreshKeys }) {
  switch (route.view) {
    case 'run':
      return (
        <RunPage
          model={model}
          key={route.run}
          {...(route.run === undefined ? {} : { name: route.run })}
          onDone={() => location.assign(route.run === undefined ? '#overview' : '#done')}
        />
      )
    case 'done':
      return <HistoryView model={model} />
    case 'images':
      return <ImagesView model={model} />
    case 'keys':
      return <KeysView model={model} fresh={fresh} />
    case 'upgrade':
      return <UpgradeView model={model} />
    case 'overview': {
      const choice = choosing(model)
      return (
        <>
          <Toolbar model={model} />
          {choice ? (
            <ChoiceView model={model} choice={choice} />
          ) : (
            <div className="scroll">
              <Overview model={model} />
            </div>
          )}
        </>
      )
    }
  }
}

function SideBar({ model, route }: { model: ViewModel; route: Route }) {
  const { status } = model
  const isOpen = choosing(model) !== undefined
  return (
    <div className="side">
      <nav className="nav" aria-label="Views">
        <p className="name">Zotbar</p>
        <ul>
          {views.map(({ id, name, icon }) => (
            <li key={id}>
              <a href={`#${id}`} aria-current={id === route.view ? 'page' : undefined}>
                <Icon name={icon} />
                {name}
                {id === 'keys' && <KeyBadge model={model} />}
                {id === 'upgrade' && <UpgradeBadge model={model} />}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className="state" role="status" aria-live={status.class === 'down' ? 'assertive' : 'polite'}>
        <Glyph name={status.class} />
        <div>
          <p className="t">
            <Ticking text={isOpen ? 'Waits for you' : status.headline} />
          </p>
          <p className="label">
            {isOpen ? 'nothing was started' : `${engineName(model.snapshot)}, ${address(model.snapshot)}`}
          </p>
          {showsWay(model, route) && <a href="#run">Show steps</a>}
        </div>
      </div>
      <SessionFoot model={model} />
    </div>
  )
}

/** A way to the steps of what is under way, where they are not shown already. */
const showsWay = ({ snapshot, isConnected: answers }: ViewModel, { view }: Route): boolean =>
  snapshot.runbook !== undefined && answers && view !== 'run' && view !== viewOf[snapshot.runbook.runbook]

/** The views that show the steps of their own runbooks. */
const viewOf: Record<string, ViewId> = { upgrade: 'upgrade', rotate: 'keys', retire: 'keys' }

function KeyBadge({ model }: { model: ViewModel }) {
  const badge = keyBadge(model.snapshot, model.now)
  if (!badge) return null
  return (
    <span className="badge" title={badge.description}>
      <Glyph name="attention" />
      <span aria-hidden="true">{badge.text}</span>
      <span className="vh">, {badge.description}</span>
    </span>
  )
}

function UpgradeBadge({ model }: { model: ViewModel }) {
  const badge = upgradeBadge(model)
  if (!badge) return null
  return (
    <span className="badge" title={badge.message}>
      <Glyph name="attention" />
      {badge.count}
      <span className="vh"> {badge.count === 1 ? 'advisory' : 'advisories'}</span>
    </span>
  )
}

function Toolbar({ model }: { model: ViewModel }) {
  const store = useStore()
  // Stop first, Restart last: the one that is used more often is the easier target.
  const buttons = primaryActions(model).toReversed()
  return (
    <header className="bar-top">
      <div>
        <h1 id="view">Overview</h1>
        <p className="label">
          <Time at={model.now} exact={exactMoment(model.now)}>
            {model.asOf === undefined
              ? `${longDate(model.now)}, ${timeOfDay(model.now)}`
              : `as of ${model.asOf}`}
          </Time>
        </p>
      </div>
      <div className="tools">
        {buttons.map(action => (
          <Button key={action.verb} onPress={() => store.act(action.verb)}>
            {action.label}
          </Button>
        ))}
      </div>
    </header>
  )
}

/** What `hash` names; Overview where it names nothing that can be read. */
function routeIn(hash: string): Route {
  const [name = '', encoded = ''] = hash.slice(1).split('/')
  if (name !== 'run') return { view: name === 'done' ? name : (viewNamed(name) ?? 'overview') }
  const run = decoded(encoded)
  if (run === undefined) return { view: 'overview' }
  return run === '' ? { view: 'run' } : { view: 'run', run }
}

const viewNamed = (name: string): ViewId | undefined => views.find(({ id }) => id === name)?.id

/** Undefined for what nobody encoded: "%" alone. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

/** What the address names. Cmd-1 (Ctrl) and on show a view of the side bar, wherever the keyboard is. */
function useRoute(box: RefObject<HTMLElement | null>): Route {
  const [hash, setHash] = useState(() => location.hash)
  useEffect(() => {
    const onHash = (): void => setHash(location.hash)
    const onKey = (event: KeyboardEvent): void => {
      const chosen = event.metaKey || event.ctrlKey ? views[Number(event.key) - 1] : undefined
      if (!chosen) return
      event.preventDefault()
      location.hash = chosen.id
      box.current?.focus()
    }
    window.addEventListener('hashchange', onHash)
    document.addEventListener('keydown', onKey)
    return () => {
      window.removeEventListener('hashchange', onHash)
      document.removeEventListener('keydown', onKey)
    }
  }, [box])
  return useMemo(() => routeIn(hash), [hash])
}
