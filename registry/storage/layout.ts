import { join } from 'node:path'
import type { Digest } from '../oci/reference.ts'

/** Where things are below the root: zot's layout, an OCI image layout per repository. */
export const layout = {
  repository: (root: string, name: string): string => join(root, name),
  index: (root: string, name: string): string => join(root, name, 'index.json'),
  marker: (root: string, name: string): string => join(root, name, 'oci-layout'),
  blobs: (root: string, name: string, algorithm: string): string => join(root, name, 'blobs', algorithm),
  blob: (root: string, name: string, digest: Digest): string =>
    `${root}/${name}/blobs/${digest.algorithm}/${digest.hex}`,
  uploads: (root: string, name: string): string => join(root, name, '.uploads'),
  upload: (root: string, name: string, id: string): string => join(root, name, '.uploads', id),
  /** Where damaged blobs are kept for inspection. */
  quarantined: (root: string, name: string, digest: Digest): string =>
    join(root, '_zotbar', 'quarantine', name, digest.text),
  /** Our own files; no repository name begins with an underscore. */
  ownFolder: (root: string): string => join(root, '_zotbar'),
}

export const folderMode = 0o700
export const fileMode = 0o600

export const markerText = '{"imageLayoutVersion":"1.0.0"}'
