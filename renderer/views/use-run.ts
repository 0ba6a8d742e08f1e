import { useEffect, useRef, useState } from 'react'
import type { RunbookDetails, RunbookProgress, RunbookRecord } from '../../contract/runbook.ts'
import { useStore, type ViewModel } from './view-model.tsx'

const pollMs = 500

/** The run under way, as a view of it in full. */
function detailsOf({ step, ...progress }: RunbookProgress): RunbookDetails {
  return { ...progress, changed: [], ...(step ? { partsOf: step.id } : {}) }
}

/**
 * A run, under way or ended: the one that is named, else the one under way, else the one that was last. One that was
 * under way here stays after its end. Undefined while it is not known.
 */
export function useRun(model: ViewModel, name?: string): RunbookDetails | undefined {
  const { runbooks } = useStore()
  const current = model.snapshot.runbook
  const live = current && (name === undefined || current.run === name) ? current : undefined
  const [ended, setEnded] = useState<RunbookDetails>()
  const last = useRef<RunbookDetails>(undefined)
  if (live) last.current = detailsOf(live)
  const wanted = name ?? last.current?.run
  const isLive = live !== undefined
  useEffect(() => {
    if (isLive) return
    let unmounted = false
    let again: ReturnType<typeof setTimeout> | undefined
    const load = async (): Promise<void> => {
      const shown = await runbooks.show(wanted === undefined ? {} : { run: wanted })
      if (unmounted) return
      setEnded(shown.ok ? shown.value : undefined)
      // A run that ended within this call is in no later snapshot, so it is read again.
      if (shown.ok && shown.value.result === undefined) again = setTimeout(() => void load(), pollMs)
    }
    void load()
    return () => {
      unmounted = true
      clearTimeout(again)
    }
  }, [runbooks, isLive, wanted])
  if (live) return detailsOf(live)
  const known = ended ?? last.current
  return known && (wanted === undefined || known.run === wanted) ? known : undefined
}

/** The runs that have ended, the newest first; asked again when one ends. Undefined while they are not known. */
export function useHistory(model: ViewModel): RunbookRecord[] | undefined {
  const { runbooks } = useStore()
  const [runs, setRuns] = useState<RunbookRecord[]>()
  const underWay = model.snapshot.runbook?.run
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when a run begins or ends
  useEffect(() => {
    let unmounted = false
    void runbooks.history({}).then(answer => {
      if (!unmounted && answer.ok) setRuns(answer.value.runs)
    })
    return () => {
      unmounted = true
    }
  }, [runbooks, underWay])
  return runs
}
