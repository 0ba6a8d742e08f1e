import { Fragment } from 'react'
import { openEvidence, openInstead } from '../../contract/messages/open-message.ts'
import type { OpenToAll, Undecided } from '../../contract/undecided.ts'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Row } from '../ui/row.tsx'
import { useStore } from './view-model.tsx'

/** In the app's own window it asks natively first; a page in a browser does not decide it. */
function ServeOpenly({ choice, open }: { choice: Undecided; open: OpenToAll }) {
  const store = useStore()
  if (store.shell === 'electron')
    return (
      <p className="act">
        <Button small onPress={() => store.serveOpenly(open.address)}>
          Serve it to everyone…
        </Button>
      </p>
    )
  return choice.commands.map(command => (
    <Fragment key={command}>
      <p className="small two">In a terminal:</p>
      <p className="cmd">
        <code>{command}</code>
        <Copy text={command} name="command" />
      </p>
    </Fragment>
  ))
}

/** The popover: what everybody may do, and how it is agreed to. */
export function OpenRows({ choice }: { choice: Undecided }) {
  const { open } = choice
  if (!open) return null
  return (
    <>
      <Row name="What everyone may do" glyph={<Glyph name="attention" />} title={`Open at ${open.address}`}>
        <Rights open={open} />
      </Row>
      <Row name="Agree" glyph={<Icon name="note" />} title="If that is meant">
        <div className="d">
          <ServeOpenly choice={choice} open={open} />
        </div>
      </Row>
      <Row name="Otherwise" glyph={<Icon name="note" />} title="Otherwise">
        {openInstead.map(line => (
          <p key={line} className="d">
            {line}
          </p>
        ))}
      </Row>
    </>
  )
}

/** The window: the same, with room. */
export function OpenChoiceView({ choice }: { choice: Undecided }) {
  const { open, config } = choice
  if (!open) return null
  return (
    <section className="open-registry" aria-labelledby="to-do">
      <header className="over">
        <h3 id="to-do">What to do</h3>
        <p className="label">{config.file}</p>
      </header>
      <ul className="card options">
        <li>
          <p className="t">Serve it to everyone</p>
          <Rights open={open} />
          <p className="small two">
            It holds for {open.address} and these rights. Where config.json grants more, it is asked again.
          </p>
          <ServeOpenly choice={choice} open={open} />
        </li>
        <li>
          <p className="t">Otherwise</p>
          {openInstead.map(line => (
            <p key={line} className="small two">
              {line}
            </p>
          ))}
        </li>
      </ul>
    </section>
  )
}

function Rights({ open }: { open: OpenToAll }) {
  return openEvidence(open).map(line => (
    <p key={line} className="d small">
      {line}
    </p>
  ))
}
