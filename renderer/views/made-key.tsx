import { useState } from 'react'
import type { Failure } from '../../preload/contract/failure.ts'
import type { KeyCreated } from '../../preload/contract/key.ts'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { useStore } from './knowledge.tsx'
import { Refused } from './refused.tsx'

/** A key that was just made. Its secret comes to this page only when somebody asks to see it, once. */
export function MadeKey({ made, onDone }: { made: KeyCreated; onDone: () => void }) {
  const { keys } = useStore()
  const [secret, setSecret] = useState<string>()
  const [failure, setFailure] = useState<Failure>()
  const reveal = (): void => {
    void keys.reveal({ uuid: made.uuid }).then(shown => {
      if (shown.ok) setSecret(shown.value.apiKey)
      else setFailure(shown.error)
    })
  }
  return (
    <section className="card pad made" aria-label="New key">
      <h2>The key of {made.user} is made</h2>
      <p className="two">
        Its secret is shown once, within ten minutes. Put it where it is used; a program signs in as{' '}
        {made.user} with it for a password.
      </p>
      {failure && <Refused failure={failure} />}
      {secret !== undefined && (
        <p className="cmd">
          <code>{secret}</code>
          <Copy text={secret} what="secret" />
        </p>
      )}
      <div className="act">
        {secret === undefined && !failure && (
          <Button kind="fill" onPress={reveal}>
            Reveal
          </Button>
        )}
        <Button onPress={onDone}>Done</Button>
      </div>
    </section>
  )
}
