import { useEffect, useState } from 'react'
import type { KeyCreated } from '../../contract/key.ts'
import { useStore, type ViewModel } from './view-model.tsx'

/** A key that was created and that nobody has said Done to. */
export interface FreshKey {
  created: KeyCreated
  /** Holds its secret once that was revealed. It is given back to the page when its view is shown again. */
  secret?: HTMLElement
}

/** The keys that were created just now, above the views: another view in between loses no secret. */
export interface FreshKeys {
  keys: FreshKey[]
  add(created: KeyCreated): void
  hold(created: KeyCreated, secret: HTMLElement): void
  /** Removes it from the page, and its secret. */
  done(uuid: string): void
}

/**
 * Those that were created in this page or revealed in it, and those that wait in the core, wherever they were created.
 */
export function useFreshKeys(model: ViewModel): FreshKeys {
  const { shell } = useStore()
  const [ofPage, setOfPage] = useState<FreshKey[]>([])
  const [finished, setFinished] = useState<readonly string[]>([])
  const holdsSecret = ofPage.some(({ secret }) => secret !== undefined)
  useEffect(() => {
    // In the app a page that objects to its end would only seem to hang.
    if (!holdsSecret || shell === 'electron') return
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [holdsSecret, shell])

  const known = new Set([...ofPage.map(({ created }) => created.uuid), ...finished])
  const waiting = (model.snapshot.freshKeys ?? []).filter(({ uuid }) => !known.has(uuid))
  const put = (key: FreshKey): void =>
    setOfPage(all => [...all.filter(({ created }) => created.uuid !== key.created.uuid), key])
  return {
    keys: [...ofPage, ...waiting.map(created => ({ created }))],
    add: created => put({ created }),
    hold: (created, secret) => put({ created, secret }),
    done(uuid) {
      setOfPage(all => all.filter(({ created }) => created.uuid !== uuid))
      setFinished(all => [...all, uuid])
    },
  }
}
