import type { MouseEvent, ReactNode, Ref } from 'react'

export interface ButtonProps {
  children: ReactNode
  onPress: () => void
  kind?: 'plain' | 'fill' | 'danger' | 'bare'
  small?: boolean
  square?: boolean
  /** What it does to what, where the button shows only an icon. */
  label?: string
  title?: string
  menu?: { open: boolean }
  ref?: Ref<HTMLButtonElement>
}

/** A button; `fill` at most once per view, for the next sensible step. */
export function Button({
  children,
  onPress,
  kind = 'plain',
  small,
  square,
  label,
  title,
  menu,
  ref,
}: ButtonProps) {
  const classes = ['btn', kind === 'plain' ? '' : kind, small ? 'small' : '', square ? 'square' : '']
  const press = (event: MouseEvent): void => {
    // The second half of a double click may hit the button that replaced this one.
    if (event.detail < 2) onPress()
  }
  return (
    <button
      ref={ref}
      type="button"
      className={classes.filter(Boolean).join(' ')}
      aria-label={label}
      title={title ?? label}
      aria-haspopup={menu ? 'menu' : undefined}
      aria-expanded={menu?.open}
      onClick={press}
    >
      {children}
    </button>
  )
}
