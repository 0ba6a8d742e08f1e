import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { StatusAction } from '../../contract/messages/summary.ts'
import { Button } from '../ui/button.tsx'
import { Ticking } from '../ui/time.tsx'
import { FreshLink, FullOnly } from './full-only.tsx'
import { quotedIn } from './quoted.tsx'
import { useStore, type ViewModel } from './view-model.tsx'

/** The reason below a headline: one paragraph per line of it, `more` after the last. */
export function Reason({ model, more = '' }: { model: ViewModel; more?: string }) {
  const quoted = quotedIn(model.snapshot.process, model.now)
  const lines = model.status.reason.split('\n').filter(line => line !== '' && !quoted.has(line))
  return lines.map((line, index) => (
    <p key={line.replaceAll(/\d+/g, '#')}>
      <Ticking text={index === lines.length - 1 ? line + more : line} />
    </p>
  ))
}

/** The buttons that belong to a headline. */
export function Actions({
  actions,
  act,
  small = false,
}: {
  actions: StatusAction[]
  act: (action: StatusAction) => void
  small?: boolean
}) {
  if (actions.length === 0) return null
  return (
    <div className="act">
      {actions.map(action => (
        <ActionButton key={action.verb} action={action} act={act} kind={action.kind} small={small} />
      ))}
    </div>
  )
}

/** What a session that may only look is refused says so in place of its button. */
export function ActionButton({
  action,
  act,
  ...look
}: {
  action: StatusAction
  act: (action: StatusAction) => void
  kind?: StatusAction['kind']
  small?: boolean
}) {
  const button = (
    <Button {...look} onPress={() => act(action)}>
      {action.label}
    </Button>
  )
  return action.verb === 'use-last-config' ? <FullOnly to="bring a config back">{button}</FullOnly> : button
}

/** Where the menu-bar app has no core: has it start one. */
export function StartCore({ small = false }: { small?: boolean }) {
  const { startCore } = useStore()
  if (!startCore) return null
  return (
    <div className="act">
      <Button kind="fill" small={small} onPress={startCore}>
        Start Zotbar
      </Button>
    </div>
  )
}

/** A command that failed, where the headline does not say it already. */
export function CommandFailure({ model }: { model: ViewModel }) {
  if (!model.failure || model.status.class === 'down' || !model.isConnected) return null
  const message = failureMessage(model.failure)
  return (
    <div className="failure" role="alert">
      <p className="t">{message.title}</p>
      {message.steps.map(step => (
        <p key={step} className="small two">
          {step}
        </p>
      ))}
    </div>
  )
}

/** A question of this view that failed: what happened, and what to do. */
export function Refused({ failure }: { failure: Failure }) {
  const { title, steps } = failureMessage(failure)
  const needsLink = failure.code === 'not-authorised' && failure.reason === 'needs-full-session'
  return (
    <div className="refused" role="alert">
      <p className="t">{title}</p>
      {needsLink && <FreshLink to="change something" />}
      {!needsLink &&
        steps.map(step => (
          <p key={step} className="two small">
            {step}
          </p>
        ))}
    </div>
  )
}
