import * as v from 'valibot'
import type { Image, ImageList, UnreadableRepository } from '../../../contract/image.ts'
import { fail, ok, type Result } from '../../../contract/result.ts'
import { askLines } from '../../platform/admin-lines.ts'
import { cursorOf, readCursor } from './tag-pages.ts'

const time = v.exactOptional(v.number())
const tag = v.object({
  tag: v.string(),
  digest: v.string(),
  size: v.exactOptional(v.number()),
  platforms: v.array(v.string()),
  pulls: v.exactOptional(v.number()),
  lastPulled: time,
  pushedAt: time,
  pushedBy: v.exactOptional(v.string()),
})
const line = v.union([
  v.object({ repository: v.string(), tags: v.array(tag) }),
  v.object({ repository: v.string(), unreadable: v.string() }),
  v.object({ end: v.literal(true) }),
])

/** A registry that is at a list says something about the next repository within this, ms. */
const silenceLimit = 10_000

/**
 * A page of all tags as the registry stores them, by its administration socket (docs/admin-socket.md). Undefined where
 * it has none, or none that tells this. `registry-silent` where it began and then said nothing for `silenceMs`.
 */
export async function storedImages(
  adminSocket: string,
  { repository, after, limit }: { repository?: string; after?: string; limit: number },
  silenceMs = silenceLimit,
): Promise<Result<ImageList> | undefined> {
  const from = after === undefined ? undefined : readCursor(after)
  const images: Image[] = []
  const unreadable: UnreadableRepository[] = []
  let whole = false
  let senseless = false
  const handleLine = (rawLine: unknown): 'more' | 'stop' => {
    const read = v.safeParse(line, rawLine)
    if (!read.success) {
      senseless = true
      return 'stop'
    }
    const page = read.output
    if ('end' in page) whole = true
    else if ('unreadable' in page) {
      if (page.repository !== from?.repository)
        unreadable.push({ repository: page.repository, reason: page.unreadable })
    } else {
      for (const tag of page.tags)
        if (page.repository !== from?.repository || tag.tag > from.tag)
          images.push({ repository: page.repository, ...tag })
    }
    return images.length > limit ? 'stop' : 'more'
  }
  const query =
    repository === undefined
      ? `?from=${encodeURIComponent(from?.repository ?? '')}`
      : `?repository=${encodeURIComponent(repository)}`
  const end = await askLines(adminSocket, `/repositories${query}`, handleLine, { silenceMs }).done
  const more = images.length > limit
  if (end.kind === 'silent')
    return fail({ code: 'registry-silent', what: 'list the images', limitMs: end.limitMs })
  if (senseless || (!whole && !more)) return undefined
  if (end.kind === 'refused' || end.kind === 'absent') return undefined
  if (repository !== undefined) {
    const reason = unreadable[0]?.reason
    if (reason !== undefined)
      return fail({ code: 'registry-refused', what: `list the tags of ${repository}`, status: 500, reason })
  }
  const shown = images.slice(0, limit)
  const last = shown.at(-1)
  return ok({
    images: shown,
    ...(more && last ? { next: cursorOf(last) } : {}),
    timesKnown: true,
    ...(unreadable.length === 0 ? {} : { unreadable }),
  })
}
