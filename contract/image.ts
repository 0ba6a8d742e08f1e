/** One tag of one repository. Times are ms since the epoch; absent where they were not recorded. */
export interface Image {
  repository: string
  tag: string
  digest: string
  /** "linux/arm64", "linux/arm/v7"; empty for what is not an image to run (a signature, a chart). */
  platforms: string[]
  /** Bytes of all its blobs and manifests, each counted once; absent when its manifest could not be read. */
  size?: number
  pushedAt?: number
  pushedBy?: string
  lastPulled?: number
  pulls?: number
}

/** A repository, or a folder that may hold some, that cannot be read: half a sentence why. */
export interface UnreadableRepository {
  repository: string
  reason: string
}

/** A page of the list; `next` is where the one after it begins. */
export interface ImageList {
  images: Image[]
  next?: string
  /** False where the engine records no times of pushes and pulls that the app can read. */
  timesKnown: boolean
  /** Repositories of this page whose images are not in the list; absent where there are none. */
  unreadable?: UnreadableRepository[]
}

interface ImagePlatform {
  platform: string
  digest: string
  size?: number
}

export interface ImageDetails extends Omit<Image, 'tag' | 'platforms'> {
  /** Absent when it was asked for by digest. */
  tag?: string
  mediaType: string
  platforms: ImagePlatform[]
  /** Of an image that is no index: its layers, lowest first. */
  layers: { digest: string; size: number }[]
  /** "docker pull 127.0.0.1:5050/team/app:1" */
  pullCommand: string
  /** The same on the machine of the registry, where it is reached there at another address. */
  localPullCommand?: string
}

export interface ImageDeleted {
  repository: string
  /** The tag or the digest that was named. */
  reference: string
  digest: string
  /** True when one tag was taken away; false: the manifest with every tag on it. */
  tagOnly: boolean
}
