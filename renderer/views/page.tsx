import { type ComponentType, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { connect } from '../bridge/connect.ts'
import type { Link } from '../bridge/connection.ts'
import { createStore } from '../bridge/store.ts'
import { Announcer } from '../ui/announcer.tsx'
import { Copy } from '../ui/copy.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Boundary } from './boundary.tsx'
import { StartCore } from './headline.tsx'
import {
  canStartCore,
  coreAwayMessage,
  StoreProvider,
  useNow,
  useStoreState,
  type ViewModel,
  viewModel,
} from './view-model.tsx'

/** Connects this page to the core and shows `View`, or why there is nothing to show yet. */
export function mount(View: ComponentType<{ model: ViewModel }>): void {
  const root = document.getElementById('root')
  if (!root) throw new Error('the page has no #root')
  const store = createStore(connect())
  document.documentElement.dataset['shell'] = store.shell
  createRoot(root).render(
    <StoreProvider value={store}>
      <Boundary name="This page" whole>
        <Page View={View} />
      </Boundary>
      <Announcer />
    </StoreProvider>,
  )
}

function Page({ View }: { View: ComponentType<{ model: ViewModel }> }) {
  const known = useStoreState()
  const now = useNow()
  const signedOut = known.link.kind === 'signed-out'
  const model = signedOut ? undefined : viewModel(known, now)
  const title = signedOut ? 'Not signed in' : model?.status.headline
  useEffect(() => {
    document.title = title === undefined ? 'Zotbar' : `${title} · Zotbar`
  }, [title])
  if (known.link.kind === 'signed-out') return <SignedOut why={known.link.reason} />
  return model ? <View model={model} /> : <Waiting link={known.link} />
}

const signedOutTexts: Record<Extract<Link, { kind: 'signed-out' }>['reason'], string> = {
  'no-session': 'Only its owner may see it, so it opens by a link that works once.',
  refused: 'Its link was used already, or is too old. Each link works once.',
  ended:
    'Its session has ended. That happens after 30 days without use and 90 days in all, with a sign-out, and when the port of the dashboard was another program’s.',
  replayed:
    'A token of its session was used again after another had replaced it, so the session was ended: somebody else may have read it in this browser.',
  left: 'You signed out, in all tabs of this browser.',
}

function SignedOut({ why: reason }: { why: keyof typeof signedOutTexts }) {
  return (
    <main className="apart">
      <Glyph name="off" size="xl" />
      <div>
        <h1>This page is not signed in</h1>
        <p>{signedOutTexts[reason]}</p>
        <p>Get a fresh link in a terminal:</p>
        <p className="cmd">
          <code>zotbar open</code>
          <Copy text="zotbar open" name="command" />
        </p>
      </div>
    </main>
  )
}

/** Before the first snapshot, in the menu-bar app: why there is no core. */
function CoreAway({ link }: { link: Extract<Link, { kind: 'lost' }> }) {
  const { title, reason } = coreAwayMessage(link)
  return (
    <main className="apart">
      <Glyph name={link.isStarting ? 'working' : 'attention'} size="xl" />
      <div role="status">
        <h1>{title}</h1>
        <p>{reason}</p>
        {canStartCore(link) && <StartCore />}
      </div>
    </main>
  )
}

const showAfterMs = 300

/** Before the first snapshot: shown after a moment, so that it does not flash before a fast answer. */
function Waiting({ link }: { link: Link }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), showAfterMs)
    return () => clearTimeout(timer)
  }, [])
  if (!late) return null
  const lost = link.kind === 'lost'
  // In the menu-bar app the page knows why, and may have a core started.
  if (lost && link.error !== undefined) return <CoreAway link={link} />
  return (
    <main className="apart">
      <Glyph name={lost ? 'attention' : 'working'} size="xl" />
      <div role="status">
        <h1>{lost ? 'Zotbar does not answer' : 'Asking Zotbar'}</h1>
        {lost && (
          <>
            <p>This page tries again by itself. To start Zotbar, run this in a terminal:</p>
            <p className="cmd">
              <code>zotbar start</code>
              <Copy text="zotbar start" name="command" />
            </p>
          </>
        )}
      </div>
    </main>
  )
}
