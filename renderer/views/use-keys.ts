import { useCallback, useEffect, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { KeyList, ManagedKeyList } from '../../contract/key.ts'
import { useStore, type ViewModel } from './view-model.tsx'

export interface KnownKeys {
  managedList?: ManagedKeyList
  /** Every key that can be reached, the managed ones too. */
  all?: KeyList
  failure?: Failure
  load(): Promise<void>
}

/** The keys; asked again when the registry comes or goes, when keys do, and at each step of a run. */
export function useKeys(model: ViewModel): KnownKeys {
  const { keys } = useStore()
  const [managedList, setManagedList] = useState<ManagedKeyList>()
  const [all, setAll] = useState<KeyList>()
  const [failure, setFailure] = useState<Failure>()
  const { process, runbook, managedKeys, keysChangedAt } = model.snapshot
  const about = [
    process.kind === 'serving',
    runbook?.run,
    runbook?.step?.id,
    keysChangedAt,
    ...(managedKeys ?? []).map(({ uuid, trouble }) => `${uuid} ${trouble}`),
  ].join()

  const load = useCallback(async (): Promise<void> => {
    const [managed, listed] = await Promise.all([keys.managed({}), keys.list({})])
    if (managed.ok) setManagedList(managed.value)
    if (listed.ok) setAll(listed.value)
    const refused = managed.ok ? listed : managed
    // Managed keys are shown all the same where the engine shows the app no others.
    const isKnown = managed.ok && managed.value.keys.length > 0
    const expected = !refused.ok && refused.error.code === 'keys-need-admin-socket' && isKnown
    setFailure(refused.ok || expected ? undefined : refused.error)
  }, [keys])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when any of it changes
  useEffect(() => void load(), [load, about])
  return {
    ...(managedList ? { managedList } : {}),
    ...(all ? { all } : {}),
    ...(failure ? { failure } : {}),
    load,
  }
}
