import { useEffect, useState } from 'react'
import { announce } from './announcer.tsx'
import { Button } from './button.tsx'
import { Icon } from './glyph.tsx'

const shownMs = 1_600

/** Copies `text`; `what` names it ("address"). The tick stands for a moment, and the copying is announced. */
export function Copy({ text, name }: { text: string; name: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), shownMs)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <Button
      kind="bare"
      square
      small
      label={`Copy ${name}`}
      onPress={() => void copyText(text).then(setCopied)}
    >
      <Icon name={copied ? 'done' : 'copy'} />
    </Button>
  )
}

/** Copies the text and announces that; returns whether it worked. */
export async function copyText(text: string): Promise<boolean> {
  const done = await write(text)
  announce(done ? 'Copied' : 'The clipboard cannot be reached; select the text instead')
  return done
}

/** Over plain HTTP on another name than localhost there is no clipboard API; the old command still works. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return writeBySelection(text)
  }
}

function writeBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  const before = document.activeElement
  area.value = text
  area.className = 'vh'
  area.setAttribute('aria-hidden', 'true')
  document.body.append(area)
  area.select()
  try {
    return document.execCommand('copy')
  } catch {
    return false
  } finally {
    area.remove()
    if (before instanceof HTMLElement) before.focus()
  }
}
