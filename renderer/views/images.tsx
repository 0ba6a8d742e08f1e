import { useMemo, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { Image, UnreadableRepository } from '../../contract/image.ts'
import { givenAddress, thisMachine } from '../../contract/messages/address-message.ts'
import { count, pullReference } from '../../contract/messages/format.ts'
import { unreadableMessage } from '../../contract/messages/storage-message.ts'
import { announce } from '../ui/announcer.tsx'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { FullOnly } from './full-only.tsx'
import { Refused } from './headline.tsx'
import { ImageTable } from './image-table.tsx'
import { address } from './snapshot-text.ts'
import { useImages } from './use-images.ts'
import { useStore, type ViewModel } from './view-model.tsx'

const keyOf = (image: Image): string => `${image.repository}:${image.tag}`

/** Every tag in one list; the chosen one has its pull command and can be deleted. */
export function ImagesView({ model }: { model: ViewModel }) {
  const { images, loading, timesKnown, unreadable, failure, reload } = useImages(model)
  const [wanted, setWanted] = useState('')
  const [chosen, setChosen] = useState<string>()
  const shown = useMemo(() => matching(images ?? [], wanted), [images, wanted])
  const at = shown.findIndex(image => keyOf(image) === chosen)
  const selected = shown[at]
  const repositories = new Set(images?.map(image => image.repository)).size
  const summary = images
    ? `${count(repositories, 'repository', 'repositories')}, ${count(images.length, 'tag')}`
    : ''
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">Images</h1>
          <p className="label" role="status">
            {loading && images ? `${summary} so far` : summary}
          </p>
        </div>
        <div className="tools">
          <input
            className="field"
            type="search"
            placeholder="Repository, tag or digest"
            aria-label="Find images"
            value={wanted}
            onChange={event => setWanted(event.target.value)}
          />
        </div>
      </header>
      {failure && <Refused failure={failure} />}
      <UnreadableNote unreadable={unreadable} />
      {!failure && images?.length === 0 && !loading && unreadable.length === 0 && <NoImages model={model} />}
      {images !== undefined && images.length > 0 && (
        <ImageTable
          images={shown}
          now={model.now}
          selected={at}
          pullCommand={image => pullCommand(model, image)}
          onSelect={image => setChosen(keyOf(image))}
        />
      )}
      {images !== undefined && images.length > 0 && shown.length === 0 && (
        <p className="nothing">No image matches.</p>
      )}
      {selected && <SelectedImage key={keyOf(selected)} model={model} image={selected} onGone={reload} />}
      {!timesKnown && !selected && (
        <p className="foot label">
          This engine does not report to Zotbar when images were pushed and pulled.
        </p>
      )}
    </>
  )
}

/** Every word has to be found in the name or the digest. */
function matching(images: Image[], search: string): Image[] {
  const terms = search.toLowerCase().split(/\s+/).filter(Boolean)
  if (terms.length === 0) return images
  return images.filter(image => {
    const text = `${keyOf(image)} ${image.digest}`.toLowerCase()
    return terms.every(word => text.includes(word))
  })
}

const pullCommand = (model: ViewModel, image: Image, from: string = address(model.snapshot)): string =>
  `docker pull ${from}/${pullReference(image.repository, image.tag, image.digest)}`

function SelectedImage({
  model,
  image,
  onGone: onDeleted,
}: {
  model: ViewModel
  image: Image
  onGone: () => void
}) {
  const { images } = useStore()
  const [asking, setAsking] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  const command = pullCommand(model, image)
  const { local } = givenAddress(model.snapshot)
  const here = local && pullCommand(model, image, local.name)
  const remove = (): void => {
    void images.delete({ repository: image.repository, reference: image.tag }).then(done => {
      if (!done.ok) return setFailure(done.error)
      announce(`Deleted ${keyOf(image)}`)
      onDeleted()
    })
  }
  return (
    <section className="foot" aria-label="Chosen image">
      {failure && <Refused failure={failure} />}
      <p className="clip">
        <b>{keyOf(image)}</b> <code className="two">{image.digest}</code>
        <Copy text={image.digest} name="digest" />
      </p>
      <div className="foot-row">
        <p className="cmd">
          <code>{command}</code>
          <Copy text={command} name="pull command" />
        </p>
        <FullOnly to="delete images">
          <Button kind="danger" onPress={() => setAsking(true)}>
            Delete…
          </Button>
        </FullOnly>
      </div>
      {here && (
        <p className="small two copy">
          {`On ${thisMachine(model.snapshot)}:\u00a0`}
          <code>{here}</code>
          <Copy text={here} name="local pull command" />
        </p>
      )}
      {asking && (
        <Sheet
          title={`Delete ${keyOf(image)}?`}
          body="Nobody can pull this tag any more. Other tags of the same image stay; bytes that no tag needs are collected later."
          confirm="Delete"
          onConfirm={remove}
          onClose={() => setAsking(false)}
        />
      )}
    </section>
  )
}

/** Which repositories are not in the list, and why. */
function UnreadableNote({ unreadable }: { unreadable: UnreadableRepository[] }) {
  const message = unreadableMessage(unreadable, 3)
  if (!message) return null
  return (
    <p className="foot label" role="status">
      {message.title}: {message.lines.join('; ')}
    </p>
  )
}

function NoImages({ model }: { model: ViewModel }) {
  const command = `docker push ${address(model.snapshot)}/team/app:1`
  return (
    <div className="nothing">
      <p>No images yet. Push one:</p>
      <p className="cmd">
        <code>{command}</code>
        <Copy text={command} name="command" />
      </p>
    </div>
  )
}
