import { type ReactNode, useEffect, useId, useRef } from 'react'
import { Button } from './button.tsx'

/** A body with more characters may be higher than a small window. */
const longBody = 300

export interface SheetProps {
  title: string
  /** Each line is a paragraph of its own. */
  body: string
  confirm: string
  onConfirm: () => void
  onClose: () => void
  /** The button that changes nothing. */
  dismissLabel?: string
  /** `fill` where agreeing is the next sensible step. */
  kind?: 'danger' | 'fill'
  /** A third button, between the other two. */
  alternative?: { label: string; onPress: () => void }
  /** Wider, for what has long lines. */
  broad?: boolean
  /** The sheet stays open when it is confirmed: its parent closes it. */
  staysOpen?: boolean
  children?: ReactNode
}

/** A question before something that cannot be undone: what it is, what follows, and a button that repeats the verb. */
export function Sheet({
  title,
  body,
  confirm,
  onConfirm,
  onClose,
  dismissLabel = 'Cancel',
  kind = 'danger',
  alternative,
  broad = alternative !== undefined,
  staysOpen = false,
  children,
}: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const dismissButton = useRef<HTMLButtonElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    dismissButton.current?.focus()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className={broad ? 'sheet broad' : 'sheet'}
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
        <Button ref={dismissButton} onPress={onClose}>
          {dismissLabel}
        </Button>
        {alternative && (
          <Button kind="danger" onPress={alternative.onPress}>
            {alternative.label}
          </Button>
        )}
        <Button
          kind={kind}
          onPress={() => {
            if (!staysOpen) onClose()
            onConfirm()
          }}
        >
          {confirm}
        </Button>
      </div>
    </dialog>
  )
}
