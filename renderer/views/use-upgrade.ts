import { useCallback, useEffect, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { UpgradeReleases, UpgradeState } from '../../contract/upgrade.ts'
import { useStore, type ViewModel } from './view-model.tsx'

export interface Versions {
  state?: UpgradeState
  list?: UpgradeReleases
  failure?: Failure
  /** The list is being read. */
  asking: boolean
  /** Reads the list of releases again, now. */
  load(): void
}

/** What is known about versions of zot; asked again when a run has ended or another engine serves. */
export function useVersions(model: ViewModel): Versions {
  const { upgrade } = useStore()
  const [state, setState] = useState<UpgradeState>()
  const [list, setList] = useState<UpgradeReleases>()
  const [failure, setFailure] = useState<Failure>()
  const [asking, setAsking] = useState(false)
  const { engine, runbook } = model.snapshot
  const about = `${engine.id} ${engine.version} ${runbook?.run}`

  const read = useCallback(
    async (fresh: boolean): Promise<void> => {
      setFailure(undefined)
      const known = await upgrade.state({})
      if (!known.ok) return setFailure(known.error)
      setState(known.value)
      if (known.value.engine !== 'zot') return
      setAsking(true)
      const answer = await upgrade.releases({ fresh })
      setAsking(false)
      if (answer.ok) setList(answer.value)
      else setFailure(answer.error)
    },
    [upgrade],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when any of it changes
  useEffect(() => void read(false), [read, about])
  return {
    ...(state ? { state } : {}),
    ...(list ? { list } : {}),
    ...(failure ? { failure } : {}),
    asking,
    load: () => void read(true),
  }
}
