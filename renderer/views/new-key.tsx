import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { KeyCreated } from '../../contract/key.ts'
import { Button } from '../ui/button.tsx'
import { Refused } from './headline.tsx'
import { useStore } from './view-model.tsx'

const lifetimes = [
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['90d', '90 days'],
  ['365d', 'a year'],
] as const

/** The form for a new key: its user, label, lifetime and scopes. */
export function NewKey({
  onlyUser,
  onClose,
  onCreated,
}: {
  onlyUser?: string
  onClose: () => void
  onCreated: (key: KeyCreated) => void
}) {
  const { keys } = useStore()
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [user, setUser] = useState(onlyUser ?? '')
  const [label, setLabel] = useState('')
  const [expires, setExpires] = useState<string>('90d')
  const [scopes, setScopes] = useState('')
  const [failure, setFailure] = useState<Failure>()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])

  const create = (): void => {
    const request = { user, label, expires, scopes: scopes.split(/\s+/).filter(Boolean) }
    void keys
      .create(request)
      .then(created => (created.ok ? onCreated(created.value) : setFailure(created.error)))
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    create()
  }
  return (
    <dialog
      ref={dialog}
      className="sheet form"
      aria-labelledby={`${id}t`}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={`${id}t`}>New key</h2>
      <form onSubmit={submit}>
        <label>
          User
          <input
            className="field"
            required
            readOnly={onlyUser !== undefined}
            value={user}
            onChange={event => setUser(event.target.value)}
          />
        </label>
        <label>
          Label
          <input className="field" value={label} onChange={event => setLabel(event.target.value)} />
        </label>
        <label>
          Ends after
          <select className="field" value={expires} onChange={event => setExpires(event.target.value)}>
            {lifetimes.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          Narrowed to (one scope a line; empty: all that the user may)
          <textarea
            className="field mono"
            rows={2}
            placeholder="repository:ci/**:read,create"
            value={scopes}
            onChange={event => setScopes(event.target.value)}
          />
        </label>
        {failure && <Refused failure={failure} />}
        <div className="buttons">
          <Button onPress={onClose}>Cancel</Button>
          <button type="submit" className="btn fill">
            Create key
          </button>
        </div>
      </form>
    </dialog>
  )
}
