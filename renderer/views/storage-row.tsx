import { failureMessage } from '../../contract/messages/failure-message.ts'
import { bytes } from '../../contract/messages/format.ts'
import {
  barText,
  daysToFullText,
  growthText,
  historyText,
  storageTitle,
} from '../../contract/messages/storage-message.ts'
import { Bar } from '../ui/bar.tsx'
import { Copy } from '../ui/copy.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Row } from '../ui/row.tsx'
import { Sparkline } from '../ui/sparkline.tsx'
import { figuresAsOf, firstPush } from './snapshot-text.ts'
import type { ViewModel } from './view-model.tsx'

export function StorageRow({ model }: { model: ViewModel }) {
  const { storage, process } = model.snapshot
  const title = storageTitle(storage)
  const glyph = <Icon name="storage" />
  const free =
    figuresAsOf(model) ?? (storage.freeBytes === undefined ? undefined : `${bytes(storage.freeBytes)} free`)
  if (storage.error) {
    const message = failureMessage(storage.error)
    return (
      <Row name="Storage" glyph={<Glyph name="attention" />} title={message.title}>
        <p className="d">{message.steps[0]}</p>
      </Row>
    )
  }
  if (title === undefined)
    return storage.scanning ? (
      <Row name="Storage" glyph={glyph} title="Counting what is stored" label={free} />
    ) : null
  if (storage.repositories === 0)
    return (
      <Row name="Storage" glyph={glyph} title={title} label={free}>
        {process.kind === 'serving' && model.isConnected && <FirstPush model={model} />}
      </Row>
    )
  const growth = growthText(storage)
  const full = daysToFullText(storage)
  return (
    <Row name="Storage" glyph={glyph} title={title} label={free}>
      <div className="d">
        {storage.freeBytes !== undefined && (
          <Bar used={storage.bytes ?? 0} free={storage.freeBytes} label={barText(storage)} />
        )}
        {growth !== undefined && process.kind === 'serving' && (
          <div className="grow">
            {storage.history.length > 1 && (
              <Sparkline samples={storage.history} label={historyText(storage)} />
            )}
            <p>
              {full !== undefined && <span className="small block">{full}</span>}
              <span className="label">{growth}</span>
            </p>
          </div>
        )}
      </div>
    </Row>
  )
}

/** What would be here, and the one command that brings it. */
export function FirstPush({ model }: { model: ViewModel }) {
  const command = firstPush(model.snapshot)
  return (
    <div className="d">
      <p>Push one:</p>
      <p className="cmd">
        <code>{command}</code>
        <Copy text={command} name="command" />
      </p>
    </div>
  )
}
