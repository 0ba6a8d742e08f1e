import { type RefObject, useEffect, useRef, useState } from 'react'
import { exactMoment, longDate, timeOfDay } from '../../preload/words/format.ts'
import { Button } from '../ui/button.tsx'
import { Glyph, Icon, type IconName } from '../ui/glyph.tsx'
import { Ticking } from '../ui/ticking.tsx'
import { Time } from '../ui/time.tsx'
import { address, engineName } from './facts.ts'
import { ImagesView } from './images.tsx'
import { KeysView } from './keys.tsx'
import { everyday, type Seen, useKeptFocus, useStore } from './knowledge.tsx'
import { Overview } from './overview.tsx'

/** The window: its views at the side with the state below them, the view beside it. */
export function Window({ seen }: { seen: Seen }) {
  const box = useRef<HTMLElement>(null)
  useKeptFocus(box, () => box.current?.querySelector<HTMLElement>('.act button, .tools button'))
  const view = useView(box)
  return (
    <div className="window">
      <SideBar seen={seen} view={view} />
      <main className="content" ref={box} tabIndex={-1} aria-labelledby="view">
        <View seen={seen} view={view} />
      </main>
    </div>
  )
}

const views = [
  { id: 'overview', name: 'Overview', icon: 'overview' },
  { id: 'images', name: 'Images', icon: 'images' },
  { id: 'keys', name: 'Keys', icon: 'key' },
] as const satisfies readonly { id: string; name: string; icon: IconName }[]
type ViewId = (typeof views)[number]['id']

function View({ seen, view }: { seen: Seen; view: ViewId }) {
  switch (view) {
    case 'images':
      return <ImagesView seen={seen} />
    case 'keys':
      return <KeysView seen={seen} />
    case 'overview':
      return (
        <>
          <Toolbar seen={seen} />
          <div className="scroll">
            <Overview seen={seen} />
          </div>
        </>
      )
  }
}

function SideBar({ seen, view }: { seen: Seen; view: ViewId }) {
  const { glance } = seen
  return (
    <div className="side">
      <nav className="nav" aria-label="Views">
        <p className="name">Zotbar</p>
        <ul>
          {views.map(({ id, name, icon }) => (
            <li key={id}>
              <a href={`#${id}`} aria-current={id === view ? 'page' : undefined}>
                <Icon name={icon} />
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className="state" role="status" aria-live={glance.class === 'down' ? 'assertive' : 'polite'}>
        <Glyph name={glance.class} />
        <div>
          <p className="t">
            <Ticking text={glance.headline} />
          </p>
          <p className="label">
            {engineName(seen.snapshot)}, {address(seen.snapshot)}
          </p>
        </div>
      </div>
    </div>
  )
}

function Toolbar({ seen }: { seen: Seen }) {
  const store = useStore()
  // Stop first, Restart last: the one that is used more often is the easier target.
  const buttons = everyday(seen).toReversed()
  return (
    <header className="bar-top">
      <div>
        <h1 id="view">Overview</h1>
        <p className="label">
          <Time at={seen.now} exact={exactMoment(seen.now)}>
            {seen.asOf === undefined ? `${longDate(seen.now)}, ${timeOfDay(seen.now)}` : `as of ${seen.asOf}`}
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

const viewIn = (hash: string): ViewId => views.find(({ id }) => `#${id}` === hash)?.id ?? 'overview'

/** The view that the address names. Cmd-1 to Cmd-3 (Ctrl) show one, wherever the keyboard is. */
function useView(box: RefObject<HTMLElement | null>): ViewId {
  const [view, setView] = useState(() => viewIn(location.hash))
  useEffect(() => {
    const onHash = (): void => setView(viewIn(location.hash))
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
  return view
}
