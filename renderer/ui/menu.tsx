import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Button } from './button.tsx'
import { Icon } from './glyph.tsx'

export interface MenuItem {
  label: string
  onPick: () => void
}

/** A button with three dots and the menu above it. Arrows, Home, End and first letters move; Esc closes. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)

  const rows = (): HTMLElement[] => [
    ...(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? []),
  ]
  const close = (refocus: boolean): void => {
    setOpen(false)
    if (refocus) button.current?.focus()
  }

  useEffect(() => {
    if (!open) return
    list.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus()
    const away = (event: PointerEvent): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', away)
    return () => document.removeEventListener('pointerdown', away)
  }, [open])

  const onKeyDown = (event: KeyboardEvent): void => {
    const all = rows()
    const at = document.activeElement instanceof HTMLElement ? all.indexOf(document.activeElement) : -1
    const next = target(event.key, at, all)
    if (next) next.focus()
    else if (event.key === 'Escape') close(true)
    else {
      // Tab goes on to what follows the button; the menu does not stand in its way.
      if (event.key === 'Tab') close(false)
      return
    }
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    <div className="menu-box" ref={box}>
      <Button ref={button} square label={label} menu={{ open }} onPress={() => setOpen(!open)}>
        <Icon name="more" />
      </Button>
      {open && (
        <div className="menu" role="menu" aria-label={label} ref={list} onKeyDown={onKeyDown}>
          {items.map(item => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close(true)
                item.onPick()
              }}
            >
              {item.label}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}

/** The row that a key leads to from row `at`. */
function target(key: string, at: number, all: HTMLElement[]): HTMLElement | undefined {
  switch (key) {
    case 'ArrowDown':
      return all[(at + 1) % all.length]
    case 'ArrowUp':
      return all[(at - 1 + all.length) % all.length]
    case 'Home':
      return all[0]
    case 'End':
      return all.at(-1)
    default:
      if (key.length !== 1 || key === ' ') return undefined
      return [...all.slice(at + 1), ...all].find(row =>
        row.textContent?.toLowerCase().startsWith(key.toLowerCase()),
      )
  }
}
