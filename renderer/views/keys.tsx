import { useEffect, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { Result } from '../../contract/result.ts'
import { KeyLists } from './key-lists.tsx'
import { RotatePlan } from './rotate-plan.tsx'
import { DeliveredTo, TwoKeys } from './rotation-details.tsx'
import { RunPage } from './run-page.tsx'
import type { FreshKeys } from './use-fresh-keys.ts'
import { useKeys } from './use-keys.ts'
import { useStore, type ViewModel } from './view-model.tsx'

/** The keys; the plan of a rotation, its steps, and how it ended. */
export function KeysView({ model, fresh }: { model: ViewModel; fresh: FreshKeys }) {
  const { keys } = useStore()
  const known = useKeys(model)
  const current = model.snapshot.runbook
  const live = current?.runbook === 'rotate' || current?.runbook === 'retire' ? current.run : undefined
  const [run, setRun] = useState<string>()
  const [planned, setPlanned] = useState<string>()
  const [failure, setFailure] = useState<Failure>()
  // A run that is begun elsewhere shows here too.
  useEffect(() => {
    if (live !== undefined) setRun(live)
  }, [live])

  const managedList = known.managedList?.keys ?? []
  if (run !== undefined) {
    const key = managedList.find(({ next }) => next) ?? managedList.find(({ user }) => user === planned)
    return (
      <RunPage
        model={model}
        name={run}
        onDone={() => {
          setRun(undefined)
          setPlanned(undefined)
          void known.load()
        }}
      >
        {key && live !== undefined && <DeliveredTo apiKey={key} steps={current?.steps ?? []} />}
        {key && <TwoKeys apiKey={key} now={model.now} />}
      </RunPage>
    )
  }
  const chosen = managedList.find(({ user }) => user === planned)
  if (chosen)
    return (
      <RotatePlan
        apiKey={chosen}
        model={model}
        onBack={() => setPlanned(undefined)}
        onBegun={begun => setRun(begun)}
      />
    )

  async function begin(answer: Promise<Result<{ run: string }>>, user: string): Promise<void> {
    const begun = await answer
    setFailure(begun.ok ? undefined : begun.error)
    if (!begun.ok) return
    setPlanned(user)
    setRun(begun.value.run)
  }
  return (
    <KeyLists
      model={model}
      known={known}
      fresh={fresh}
      {...(failure ? { failure } : {})}
      onRotate={user => setPlanned(user)}
      onEndOverlap={user => void begin(keys.endOverlap({ user }), user)}
    />
  )
}
