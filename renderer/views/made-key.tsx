import { useState } from 'react'
import type { KeyCreated } from '../../contract/key.ts'
import { Button } from '../ui/button.tsx'
import { Secret } from './secret.tsx'
import { useStore } from './view-model.tsx'

/** A key that was just made. Its secret comes to this page only when somebody asks to see it, once. */
export function MadeKey({ made, onDone }: { made: KeyCreated; onDone: () => void }) {
  const { keys } = useStore()
  const [asked, setAsked] = useState(false)
  return (
    <section className="card pad made" aria-label="New key">
      <h2>The key of {made.user} is made</h2>
      <p className="two">
        Its secret is shown once, within ten minutes. Put it where it is used; a program signs in as{' '}
        {made.user} with it for a password.
      </p>
      {asked && <Secret what={`key of ${made.user}`} ask={() => keys.reveal({ uuid: made.uuid })} />}
      <div className="act">
        {!asked && (
          <Button kind="fill" onPress={() => setAsked(true)}>
            Reveal
          </Button>
        )}
        <Button onPress={onDone}>Done</Button>
      </div>
    </section>
  )
}
