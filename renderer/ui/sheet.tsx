import { useEffect, useId, useRef } from 'react'
import { Button } from './button.tsx'

/** Asks before something that cannot be taken back: names it, says what follows, repeats the verb. */
export function Sheet({
  title,
  body,
  confirm,
  onConfirm,
  onClose,
}: {
  title: string
  body: string
  confirm: string
  onConfirm: () => void
  onClose: () => void
}) {
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
      className="sheet"
      aria-labelledby={`${id}t`}
      aria-describedby={`${id}b`}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={`${id}t`}>{title}</h2>
      <p id={`${id}b`}>{body}</p>
      <div className="buttons">
        <Button ref={keep} onPress={onClose}>
          Cancel
        </Button>
        <Button
          kind="danger"
          onPress={() => {
            onClose()
            onConfirm()
          }}
        >
          {confirm}
        </Button>
      </div>
    </dialog>
  )
}
