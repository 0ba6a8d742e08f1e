import { Component, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'

interface Props {
  /** What is inside, as it is called to people: "Images". */
  name: string
  /** It is all that the page shows. */
  whole?: true
  /** The heading's id, where something is named by the heading of what is inside. */
  id?: string
  children: ReactNode
}

/**
 * When drawing a part of the page throws, shows a message instead of that part alone.
 * What was thrown is in the browser's console, where React writes it. Give it a key: it begins anew with another one.
 */
export class Boundary extends Component<Props, { broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children
    const Part = this.props.whole ? 'main' : 'div'
    return (
      <Part className="apart">
        <Glyph name="attention" size="xl" />
        <div role="alert">
          <h1 id={this.props.id}>{this.props.name} cannot be shown</h1>
          <p>
            This is a fault of this page. The registry goes on, and nothing was changed. Load the page again;
            if it stays, zotbar status says the same in a terminal.
          </p>
          <div className="act">
            <Button kind="fill" onPress={() => location.reload()}>
              Reload
            </Button>
          </div>
        </div>
      </Part>
    )
  }
}
