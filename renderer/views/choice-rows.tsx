import { choiceRows } from '../../contract/messages/choice-message.ts'
import { atTime, bytes } from '../../contract/messages/format.ts'
import { contentText, figureText } from '../../contract/messages/undecided-message.ts'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Row } from '../ui/row.tsx'
import { type Choosing, zotName } from './choice.tsx'
import { Accept, beforeTitle } from './choice-folder.tsx'
import { OpenRows } from './choice-open.tsx'
import type { ViewModel } from './view-model.tsx'

/** The open choice in the popover: what there is to choose from, and what was found. */
export function ChoiceRows({ model, choice }: { model: ViewModel; choice: Choosing }) {
  if (choice.why === 'open-registry') return <OpenRows choice={choice} />
  return choice.why === 'other-folder' ? (
    <Folders model={model} choice={choice} />
  ) : (
    <Programs model={model} choice={choice} />
  )
}

function Programs({ model, choice }: { model: ViewModel; choice: Choosing }) {
  const servedUntil = choice.was?.servedBy?.engine === 'zot' ? choice.was.servedBy.until : undefined
  const rows = choiceRows(choice, model.snapshot.upgrade?.advisories.length)
  const changesOf = (side: 'zot' | 'zotbarRegistry') =>
    rows
      .filter(row => row[side].mark !== 'fine')
      .map(row => `${row[side].title}.`)
      .join(' ')
  const { found } = choice
  return (
    <>
      <Row
        name="zot"
        glyph={<Icon name="engine" />}
        title={zotName(choice)}
        label={servedUntil === undefined ? undefined : `until ${atTime(servedUntil, model.now)}`}
      >
        <p className="d">{`Keys, sign-in and pull-through go on as they were. ${changesOf('zot')}`.trim()}</p>
      </Row>
      <Row
        name="zotbar-registry"
        glyph={<Icon name="engine" />}
        title="zotbar-registry"
        label="comes with Zotbar"
      >
        <p className="d">{`Same images, same digests. ${changesOf('zotbarRegistry')}`.trim()}</p>
      </Row>
      <Row
        name="Storage"
        glyph={<Icon name="storage" />}
        title={found.holds === 'images' ? (figureText(found) ?? 'Images') : 'No images yet'}
        label={found.freeBytes === undefined ? undefined : `${bytes(found.freeBytes)} free`}
      >
        <p className="d mono">{found.folder}</p>
      </Row>
    </>
  )
}

function Folders({ model, choice }: { model: ViewModel; choice: Choosing }) {
  const { was, found } = choice
  return (
    <>
      {was !== undefined && (
        <Row name="Folder before" glyph={<Icon name="storage" />} title={beforeTitle(was, model.now)}>
          <dl className="d kv">
            {was.folder !== undefined && (
              <>
                <dt>Folder</dt>
                <dd className="mono">{was.folder}</dd>
              </>
            )}
            <dt>Holds</dt>
            <dd>{figureText(was) ?? 'images'}</dd>
          </dl>
        </Row>
      )}
      <Row name="Folder now" glyph={<Glyph name="attention" />} title="Now in config.json">
        <dl className="d kv">
          <dt>Folder</dt>
          <dd className="mono">{found.folder}</dd>
          <dt>Holds</dt>
          <dd>
            {contentText(found)}
            {found.freeBytes !== undefined && `; ${bytes(found.freeBytes)} free`}
          </dd>
        </dl>
      </Row>
      <Row name="Accept" glyph={<Icon name="note" />} title="If this is the folder from now on">
        <div className="d">
          <Accept choice={choice} />
        </div>
      </Row>
    </>
  )
}
