import { type ReactNode, useState } from 'react'
import type { RunbookQuestion } from '../../contract/runbook.ts'
import { Button } from '../ui/button.tsx'
import { Refused } from './headline.tsx'
import { useStore, useStoreState } from './view-model.tsx'

/**
 * How to get the key that a question wants: a window of the app that makes it, or a link to where a browser signs in
 * and makes it. The address is the core's; a page only says which question it is about.
 */
export function SignIn({ question: { id, signIn } }: { question: RunbookQuestion }) {
  const { keys } = useStore()
  // A snapshot that this browser kept from an older core says nothing of it.
  const inWindow = useStoreState().snapshot?.app.offers?.includes('sign-in') === true
  const [open, setOpen] = useState(false)
  const [refused, setRefused] = useState<ReactNode>()
  if (signIn && inWindow) {
    const begin = async (): Promise<void> => {
      setOpen(true)
      setRefused(undefined)
      const answer = await keys.signIn({ question: id })
      setOpen(false)
      // Gone meanwhile: somebody answered it another way.
      if (!answer.ok && !['nothing-under-way', 'already-answered'].includes(answer.error.code))
        setRefused(<Refused failure={answer.error} />)
    }
    return (
      <>
        {refused}
        {open ? (
          <p role="status" className="small two">
            Waiting for {signIn.user} to sign in, in a window of its own.
          </p>
        ) : (
          <div className="act">
            <Button onPress={() => void begin()}>Sign in as {signIn.user}…</Button>
          </div>
        )}
      </>
    )
  }
  if (signIn?.url === undefined) return null
  return (
    <p className="small">
      <a href={signIn.url} target="_blank" rel="noreferrer">
        Sign in as {signIn.user} in a new tab
      </a>{' '}
      and create a key there.
    </p>
  )
}
