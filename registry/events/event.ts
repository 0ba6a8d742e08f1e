/** What happens in a registry, as docs/admin-socket.md has it. Bytes; `user` is absent for somebody without credentials. */
export type RegistryEvent =
  /** A manifest was stored; `tags` are those that point to it now, none for a push by digest alone. */
  | {
      readonly kind: 'push'
      readonly repository: string
      readonly tags: readonly string[]
      readonly digest: string
      readonly mediaType: string
      readonly bytes: number
      readonly user?: string
    }
  /** A tag, or by digest a manifest with all its tags or a blob, was deleted by a client. */
  | {
      readonly kind: 'delete'
      readonly repository: string
      readonly reference: string
      readonly user?: string
    }
  /** A blob was stored, or made this repository's too without being sent (then without `bytes`). */
  | {
      readonly kind: 'blob'
      readonly repository: string
      readonly digest: string
      readonly bytes?: number
      readonly user?: string
    }
  /** Uploads under way in a repository, at most once a second; `bytes` have arrived in those requests so far. */
  | {
      readonly kind: 'uploading'
      readonly repository: string
      readonly uploads: number
      readonly bytes: number
    }
  /** What maintenance took away in one repository: entries of its index, and blobs that nothing named. */
  | {
      readonly kind: 'collected'
      readonly repository: string
      readonly removed: readonly { readonly digest: string; readonly tag?: string }[]
      readonly blobs: number
      readonly bytes: number
      /** The repository was empty, and is gone itself. */
      readonly isGone?: true
    }
  /** Manifests that were pulled within the last second, by tag and by digest as they were asked for. */
  | { readonly kind: 'pulls'; readonly pulls: readonly PullCount[] }
  | {
      readonly kind: 'maintenance'
      readonly task: string
      readonly phase: 'begun' | 'progress' | 'ended'
      /** Repositories done and in all, where the task goes by repositories. */
      readonly done?: number
      readonly total?: number
    }
  /** A repository was found that cannot be served: half a sentence why. */
  | { readonly kind: 'damaged'; readonly repository: string; readonly reason: string }
  /** A write was refused because the volume is full. */
  | { readonly kind: 'no-space'; readonly repository: string }

export interface PullCount {
  readonly repository: string
  readonly reference: string
  readonly count: number
}

/** Takes what happens. */
export interface EventSink {
  emit(event: RegistryEvent): void
  /** A manifest was pulled; pulls are reported together. */
  pulled(repository: string, reference: string): void
  /** A request brings bytes of an upload; `bytes` says how many so far. Call the answer when it ends. */
  uploading(repository: string, bytes: () => number): () => void
}
