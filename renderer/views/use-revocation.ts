import { useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { count } from '../../contract/messages/format.ts'
import { announce } from '../ui/announcer.tsx'
import { useStore } from './view-model.tsx'

/** A key that is to be revoked; `name` as people call it. */
interface NamedKey {
  uuid: string
  name: string
}

export interface FailedRevocation extends NamedKey {
  failure: Failure
}

export interface Revocation {
  /** Those that failed, until they are tried again or put away. */
  failed: FailedRevocation[]
  /** Keys that a revoked one created and that still work. */
  descendants: string[]
  /** `leaked`: what was created with a key goes with it. Each key is tried, whatever became of the others. */
  revoke(keys: readonly NamedKey[], leaked: boolean): Promise<void>
  dismiss(uuid: string): void
}

/** `onDone` gets the uuids that are gone. */
export function useRevocation(onDone: (revoked: readonly string[]) => Promise<void>): Revocation {
  const { keys } = useStore()
  const [failed, setFailed] = useState<FailedRevocation[]>([])
  const [descendants, setDescendants] = useState<string[]>([])
  return {
    failed,
    descendants,
    async revoke(wanted, leaked) {
      const tried = new Set(wanted.map(({ uuid }) => uuid))
      const failures: FailedRevocation[] = []
      const revoked: string[] = []
      const left: string[] = []
      for (const key of wanted) {
        if (revoked.includes(key.uuid)) continue
        const answer = await keys.revoke({ uuid: key.uuid, descendants: leaked })
        if (!answer.ok) failures.push({ ...key, failure: answer.error })
        else {
          revoked.push(...answer.value.revoked)
          left.push(...answer.value.descendants)
        }
      }
      const gone = new Set(revoked)
      setFailed(all => [...all.filter(({ uuid }) => !tried.has(uuid)), ...failures])
      setDescendants(all => [...new Set([...all, ...left])].filter(uuid => !gone.has(uuid)))
      announce(outcome(revoked.length, failures))
      await onDone(revoked)
    },
    dismiss: uuid => setFailed(all => all.filter(key => key.uuid !== uuid)),
  }
}

/** "Revoked 2 keys. Not revoked: ci, as there is no key …". */
function outcome(revoked: number, failures: readonly FailedRevocation[]): string {
  const done = revoked === 0 ? [] : [revoked === 1 ? 'Revoked' : `Revoked ${count(revoked, 'key')}`]
  const not = failures.map(({ name, failure }) => `Not revoked: ${name}. ${failureMessage(failure).title}`)
  return [...done, ...not].join('. ')
}
