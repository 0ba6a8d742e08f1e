import { type ReactNode, useEffect, useId, useRef } from 'react'
import { Button } from './button.tsx'

/** From here on a body may be higher than a small window. */
const longBody = 300

export interface SheetProps {
  title: string
  /** Each line is a paragraph of its own. */
  body: string
  confirm: string
  onConfirm: () => void
  onClose: () => void
  /** The button that changes nothing. */
  keep?: string
  /** `fill` where agreeing is the next sensible step. */
  kind?: 'danger' | 'fill'
  /** Another way out, that is not the next sensible one. */
  other?: { label: string; onPress: () => void }
  /** It stays open when it is confirmed: who opened it closes it. */
  stays?: boolean
  children?: ReactNode
}

/** Asks before something that cannot be taken back: names it, says what follows, repeats the verb. */
export function Sheet({
  title,
  body,
  confirm,
  onConfirm,
  onClose,
  keep: keepLabel = 'Cancel',
  kind = 'danger',
  other,
  stays = false,
  children,
}: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const keep = useRef<HTMLButtonElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    keep.current?.focus()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className={other ? 'sheet broad' : 'sheet'}
      aria-labelledby={`${id}t`}
      aria-describedby={`${id}b`}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={`${id}t`}>{title}</h2>
      {/* A long one scrolls, so the keyboard reaches it. */}
      <p id={`${id}b`} className="lines" tabIndex={body.length > longBody ? 0 : undefined}>
        {body}
      </p>
      {children}
      <div className="buttons">
        <Button ref={keep} onPress={onClose}>
          {keepLabel}
        </Button>
        {other && (
          <Button kind="danger" onPress={other.onPress}>
            {other.label}
          </Button>
        )}
        <Button
          kind={kind}
          onPress={() => {
            if (!stays) onClose()
            onConfirm()
          }}
        >
          {confirm}
        </Button>
      </div>
    </dialog>
  )
}
