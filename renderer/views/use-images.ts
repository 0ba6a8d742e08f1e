import { useCallback, useEffect, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { Image, UnreadableRepository } from '../../contract/image.ts'
import { useStore, type ViewModel } from './view-model.tsx'

export interface LoadedImages {
  /** Undefined before the first page. */
  images: Image[] | undefined
  loading: boolean
  timesKnown: boolean
  /** Repositories whose images are not among them. */
  unreadable: UnreadableRepository[]
  failure?: Failure
}

const pageSize = 500

/** All images, page by page; read again when something was pushed or the number of tags has changed. */
export function useImages(model: ViewModel): LoadedImages & { reload(): void } {
  const { images } = useStore()
  const [loaded, setLoaded] = useState<LoadedImages>({
    images: undefined,
    loading: true,
    timesKnown: true,
    unreadable: [],
  })
  const [reloads, setReloads] = useState(0)
  const serves = model.snapshot.process.kind === 'serving'
  const cause = `${reloads} ${serves} ${model.snapshot.storage.tags ?? ''} ${model.snapshot.pushes[0]?.at ?? ''}`

  // biome-ignore lint/correctness/useExhaustiveDependencies: the cause says when what is shown has become old
  useEffect(() => {
    let live = true
    async function load(): Promise<void> {
      const loadedImages: Image[] = []
      const unreadable: UnreadableRepository[] = []
      let after: string | undefined
      let timesKnown = true
      do {
        const page = await images.list({ limit: pageSize, ...(after === undefined ? {} : { after }) })
        if (!live) return
        if (!page.ok) {
          setLoaded(before => ({ ...before, loading: false, failure: page.error }))
          return
        }
        loadedImages.push(...page.value.images)
        unreadable.push(...(page.value.unreadable ?? []))
        timesKnown &&= page.value.timesKnown
        after = page.value.next
        // The first page shows at once; a longer list that is read again replaces the old one whole.
        setLoaded(before => ({
          images:
            after !== undefined && (before.images?.length ?? 0) > loadedImages.length
              ? before.images
              : [...loadedImages],
          loading: after !== undefined,
          timesKnown,
          unreadable: [...unreadable],
        }))
      } while (after !== undefined)
    }
    void load()
    return () => {
      live = false
    }
  }, [images, cause])

  const reload = useCallback(() => setReloads(before => before + 1), [])
  return { ...loaded, reload }
}
