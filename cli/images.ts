import type { Image, UnreadableRepository } from '../contract/image.ts'
import { bytes, isDigest, relativeTime } from '../contract/messages/format.ts'
import { exitCode, table, visible } from './output.ts'
import type { Verb } from './verb.ts'

interface Named {
  repository: string
  reference: string
}

const pageSize = 500

/** Every tag, or those of one repository. With --json one object: {images: [...], unreadable?: [...]}. */
export const list: Verb<{ repository: string | undefined }> = async (
  { out, client, now },
  { repository },
) => {
  const images: Image[] = []
  const unreadable: UnreadableRepository[] = []
  let after: string | undefined
  let timesKnown = true
  do {
    const page = await client.zotbar.images.list({
      limit: pageSize,
      ...(repository === undefined ? {} : { repository }),
      ...(after === undefined ? {} : { after }),
    })
    if (!page.ok) return out.failure(page.error)
    images.push(...page.value.images)
    unreadable.push(...(page.value.unreadable ?? []))
    timesKnown &&= page.value.timesKnown
    after = page.value.next
  } while (after !== undefined)
  images.sort(compareImages)
  out.object({ images, ...(unreadable.length === 0 ? {} : { unreadable }) })
  for (const { repository: name, reason } of unreadable)
    out.note(`${visible(name)} cannot be read: ${visible(reason)}.`)
  if (images.length === 0) {
    if (unreadable.length === 0) out.line('No images yet.')
    return exitCode.done
  }
  const at = (time: number | undefined): string => (time === undefined ? '-' : relativeTime(time, now()))
  const rows = images.map(image => [
    `${image.repository}:${image.tag}`,
    shortDigest(image.digest),
    image.platforms.join(', ') || '-',
    image.size === undefined ? '-' : bytes(image.size),
    at(image.pushedAt),
    at(image.lastPulled),
  ])
  out.line(table(['IMAGE', 'DIGEST', 'PLATFORMS', 'SIZE', 'PUSHED', 'LAST PULLED'], rows))
  if (!timesKnown) out.note('The engine does not report to Zotbar when images were pushed and pulled.')
  return exitCode.done
}

const natural = new Intl.Collator('en', { numeric: true })

/** As people count: v1.9.0 before v1.10.0. */
export const compareImages = (a: Pick<Image, 'repository' | 'tag'>, b: typeof a): number =>
  natural.compare(a.repository, b.repository) || natural.compare(a.tag, b.tag)

/** One image in full. */
export const show: Verb<Named> = async ({ out, client, now }, named) => {
  const reply = await client.zotbar.images.show(named)
  if (!reply.ok) return out.failure(reply.error)
  const image = reply.value
  out.object(image)
  const rows: [string, string][] = [
    ['Image', `${image.repository}${image.tag === undefined ? '' : `:${image.tag}`}`],
    ['Digest', image.digest],
    ['Type', image.mediaType],
    ['Size', image.size === undefined ? 'not known' : bytes(image.size)],
    ...image.platforms.map(({ platform, size }): [string, string] => [
      'Platform',
      `${platform}${size === undefined ? '' : `, ${bytes(size)}`}`,
    ]),
    ...(image.pushedAt === undefined
      ? []
      : ([
          [
            'Pushed',
            `${relativeTime(image.pushedAt, now())}${image.pushedBy ? ` by ${image.pushedBy}` : ''}`,
          ],
        ] satisfies [string, string][])),
    ...(image.lastPulled === undefined
      ? []
      : ([['Pulled', `${relativeTime(image.lastPulled, now())}, ${image.pulls ?? 0} in all`]] satisfies [
          string,
          string,
        ][])),
    ['Pull', image.pullCommand],
    ...(image.localPullCommand === undefined
      ? []
      : ([['Pull here', image.localPullCommand]] satisfies [string, string][])),
  ]
  out.line(rows.map(([label, text]) => `${label.padEnd(10)}${visible(text)}`).join('\n'))
  return exitCode.done
}

/** Deletes a tag, or by digest a manifest with every tag on it. */
export const remove: Verb<Named> = async ({ out, client }, named) => {
  const done = await client.zotbar.images.delete(named)
  if (!done.ok) return out.failure(done.error)
  out.object(done.value)
  const { repository, reference, digest, tagOnly } = done.value
  out.line(
    tagOnly
      ? `Deleted ${repository}:${reference}. Its manifest was ${digest}`
      : `Deleted ${repository}@${digest}, and every tag on it`,
  )
  return exitCode.done
}

const shortDigest = (digest: string): string => digest.slice(0, digest.indexOf(':') + 13)

/** "team/app:1", "team/app@sha256:..." or "team/app" (its tag latest), as clients write it; undefined when it is none. */
export function readImageName(text: string): Named | undefined {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  const sign = text.indexOf('@')
  // zot took tags with @ in them.
  const at = colon > 0 && colon < sign && !isDigest(text.slice(sign + 1)) ? -1 : sign
  const [repository, reference] =
    at > 0
      ? [text.slice(0, at).replace(/:[^/:]*$/, ''), text.slice(at + 1)]
      : colon > 0
        ? [text.slice(0, colon), text.slice(colon + 1)]
        : [text, 'latest']
  return repository !== '' && reference !== '' ? { repository, reference } : undefined
}
