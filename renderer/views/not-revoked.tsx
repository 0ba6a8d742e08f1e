import { useEffect, useRef } from 'react'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { Button } from '../ui/button.tsx'
import type { FailedRevocation } from './use-revocation.ts'

/** A key that was not revoked, and why: beside the key, and in sight. */
export function NotRevoked({
  failed: { name, failure },
  onDismiss,
}: {
  failed: FailedRevocation
  onDismiss: () => void
}) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    box.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  const { title, steps } = failureMessage(failure)
  return (
    <div className="refused not-revoked" role="alert" ref={box}>
      <div>
        <p className="t">The key of {name} was not revoked</p>
        <p className="two small">
          {title}. {steps.join(' ')}
        </p>
      </div>
      <Button small label={`Put away what is said of the key of ${name}`} onPress={onDismiss}>
        Put away
      </Button>
    </div>
  )
}
