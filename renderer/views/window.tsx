import { useEffect, useRef } from 'react'
import { exactMoment, longDate, timeOfDay } from '../../preload/words/format.ts'
import { Button } from '../ui/button.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Ticking } from '../ui/ticking.tsx'
import { Time } from '../ui/time.tsx'
import { address, engineName } from './facts.ts'
import { everyday, type Seen, useKeptFocus, useStore } from './knowledge.tsx'
import { Overview } from './overview.tsx'

/** The window: its views at the side with the state below them, the view beside it. */
export function Window({ seen }: { seen: Seen }) {
  const box = useRef<HTMLElement>(null)
  useKeptFocus(box, () => box.current?.querySelector<HTMLElement>('.act button, .tools button'))
  useViewKeys(box)
  return (
    <div className="window">
      <SideBar seen={seen} />
      <main className="content" ref={box} tabIndex={-1} aria-labelledby="view">
        <Toolbar seen={seen} />
        <div className="scroll">
          <Overview seen={seen} />
        </div>
      </main>
    </div>
  )
}

function SideBar({ seen }: { seen: Seen }) {
  const { glance } = seen
  return (
    <div className="side">
      <nav className="nav" aria-label="Views">
        <p className="name">Zotbar</p>
        <ul>
          <li>
            <a href="#overview" aria-current="page">
              <Icon name="overview" />
              Overview
            </a>
          </li>
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

/** Cmd-1 (Ctrl-1) shows the first view, wherever the keyboard is. */
function useViewKeys(box: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.metaKey || event.ctrlKey) || event.key !== '1') return
      event.preventDefault()
      box.current?.focus()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [box])
}
