import type { ReactNode } from 'react'
import { atTime } from '../../contract/messages/format.ts'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { Icon } from '../ui/glyph.tsx'
import { useStore, useStoreState, type ViewModel } from './view-model.tsx'

/** The command whose link makes a page full. */
const command = 'zotbar open'

/** Whether this page shows everything and changes little: a session of the dashboard, some hours after its link. */
function useIsLooking(): boolean {
  const { fullUntil } = useStoreState()
  // Views are drawn each second, so this is noticed in time.
  return fullUntil !== undefined && Date.now() >= fullUntil
}

/**
 * What only a full session may do. Where this page may only look, `to` ("delete images") says what it needs instead;
 * without it nothing is there.
 */
export function FullOnly({ children, to }: { children: ReactNode; to?: string }) {
  if (!useIsLooking()) return children
  return to === undefined ? null : <NeedsFull to={to} />
}

/** How a page that looks becomes full, where there is something that it may not do. */
export function NeedsFull({ to }: { to: string }) {
  return useIsLooking() ? <FreshLink to={to} /> : null
}

/** The command that makes a page full, and what for. */
export function FreshLink({ to }: { to: string }) {
  return (
    <div className="needs-full" role="note">
      <Icon name="lock" />
      <p className="small two">To {to}, open a fresh link in this browser:</p>
      <p className="cmd">
        <code>{command}</code>
        <Copy text={command} name="command" />
      </p>
    </div>
  )
}

/** At the foot of the side bar: what this session may do and until when, and its end. Only in a browser. */
export function SessionFoot({ model }: { model: ViewModel }) {
  const store = useStore()
  const { fullUntil } = useStoreState()
  const isLooking = useIsLooking()
  if (fullUntil === undefined || !model.isConnected) return null
  return (
    <section className="session" aria-label="Session">
      <p className="label">{isLooking ? 'May only look' : `Full until ${atTime(fullUntil, model.now)}`}</p>
      <Button kind="bare" small onPress={store.signOut}>
        Sign out
      </Button>
    </section>
  )
}
