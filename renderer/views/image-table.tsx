import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import type { Image } from '../../contract/image.ts'
import { bytes, count, exactMoment, relativeTime, shortName } from '../../contract/messages/format.ts'
import { copyText } from '../ui/copy.tsx'

const rowHeight = 32
const heads = ['Image', 'Digest', 'Platforms', 'Size', 'Pushed', 'Last pulled']

interface Props {
  images: Image[]
  now: number
  /** Index of the chosen row, or -1. */
  selected: number
  pullCommand(image: Image): string
  onSelect(image: Image): void
}

/** A list of any length: only the rows in sight are there. One tab stop; arrows choose, Cmd-C copies the pull command. */
export function ImageTable({ images, now, selected, pullCommand, onSelect }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: images.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    // Under the heads, which stay in place.
    scrollPaddingStart: rowHeight,
    overscan: 8,
  })
  useEffect(() => {
    if (selected >= 0) rows.scrollToIndex(selected)
  }, [rows, selected])

  const onKey = (event: KeyboardEvent): void => {
    const chosen = images[selected]
    if ((event.metaKey || event.ctrlKey) && event.key === 'c' && chosen)
      return void copyText(pullCommand(chosen))
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? rowHeight) / rowHeight) - 2)
    const next = nextRow(event.key, selected, images.length, page)
    const image = next === undefined ? undefined : images[next]
    if (!image) return
    event.preventDefault()
    onSelect(image)
  }
  return (
    <div className="grid" ref={box}>
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its rows are chosen by arrows
        role="grid"
        aria-label="Images"
        aria-rowcount={images.length + 1}
        aria-colcount={heads.length}
        aria-activedescendant={selected >= 0 ? `image-${selected}` : undefined}
        tabIndex={0}
        onKeyDown={onKey}
      >
        <thead>
          <tr className="gr head label" aria-rowindex={1}>
            {heads.map(head => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const image = images[index]
            if (!image) return null
            return (
              <tr
                key={`${image.repository}:${image.tag}`}
                id={`image-${index}`}
                className={index === selected ? 'gr chosen' : 'gr'}
                aria-rowindex={index + 2}
                aria-selected={index === selected}
                style={{ transform: `translateY(${start}px)` }}
                onClick={() => onSelect(image)}
              >
                <Cells image={image} now={now} />
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Cells({ image, now }: { image: Image; now: number }) {
  const name = `${image.repository}:${image.tag}`
  return (
    <>
      <td className="clip" title={name}>
        {shortName(image.repository, 40)}
        <b>:{image.tag}</b>
      </td>
      <td className="mono two" title={image.digest}>
        {image.digest.slice(image.digest.indexOf(':') + 1).slice(0, 12)}
      </td>
      <td className="two clip" title={image.platforms.join(', ')}>
        {platformsOf(image)}
      </td>
      <td className="num">{image.size === undefined ? '–' : bytes(image.size)}</td>
      <Moment at={image.pushedAt} now={now} by={image.pushedBy} />
      <Moment at={image.lastPulled} now={now} />
    </>
  )
}

function Moment({ at, now, by }: { at: number | undefined; now: number; by?: string | undefined }) {
  const title = at === undefined ? undefined : `${exactMoment(at)}${by ? `, by ${by}` : ''}`
  return (
    <td className="two nowrap" title={title}>
      {at === undefined ? '–' : relativeTime(at, now)}
    </td>
  )
}

/** "amd64, arm64": the system is named only where it is not Linux. */
function platformsOf({ platforms }: Image): string {
  if (platforms.length === 0) return '–'
  if (platforms.length > 2) return count(platforms.length, 'platform')
  return platforms.map(platform => platform.replace(/^linux\//, '')).join(', ')
}

/** Where a key leads from row `at` of `length`; undefined: nowhere. */
function nextRow(key: string, at: number, length: number, page: number): number | undefined {
  const clamped = (next: number): number => Math.min(length - 1, Math.max(0, next))
  switch (key) {
    case 'ArrowDown':
      return clamped(at + 1)
    case 'ArrowUp':
      return clamped(at < 0 ? length - 1 : at - 1)
    case 'PageDown':
      return clamped(at + page)
    case 'PageUp':
      return clamped(at - page)
    case 'Home':
      return 0
    case 'End':
      return length - 1
    default:
      return undefined
  }
}
