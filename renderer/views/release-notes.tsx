/** A block of release notes; links and emphasis are words here. */
type Block = { kind: 'head' | 'text'; text: string } | { kind: 'list'; items: string[] }

const longest = 20_000

/** Markdown of a release as plain blocks. Nothing of it becomes markup or a link. Pure. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  for (const line of markdown.slice(0, longest).split(/\r?\n/)) {
    const text = spanText(line)
    const item = /^\s*[-*+] +(.*)$/.exec(line)
    const last = blocks.at(-1)
    if (text === '' || /^\s*<!--/.test(line)) continue
    if (/^#{1,6} /.test(line)) blocks.push({ kind: 'head', text: spanText(line.replace(/^#+ +/, '')) })
    else if (item?.[1] !== undefined) {
      if (last?.kind === 'list') last.items.push(spanText(item[1]))
      else blocks.push({ kind: 'list', items: [spanText(item[1])] })
    } else blocks.push({ kind: 'text', text })
  }
  return blocks
}

const spanText = (text: string): string =>
  text
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/(\*\*|__|`)/g, '')
    .trim()

export function ReleaseNotes({ notes }: { notes: string }) {
  const blocks = blocksOf(notes)
  if (blocks.length === 0) return <p className="small two">It has no notes.</p>
  return (
    <div className="notes">
      {blocks.map((block, index) =>
        block.kind === 'list' ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: blocks have no other identity, and never change places
          <ul key={index}>
            {block.items.map((item, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <li key={at} className="point">
                {item}
              </li>
            ))}
          </ul>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <p key={index} className={block.kind === 'head' ? 't' : ''}>
            {block.text}
          </p>
        ),
      )}
    </div>
  )
}
