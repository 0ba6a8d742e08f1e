import type { ReactNode } from 'react'
import { bytes, count, exactMoment, relativeTime } from '../../contract/messages/format.ts'
import { contentText, figureText } from '../../contract/messages/undecided-message.ts'
import type { FolderBefore, Undecided } from '../../contract/undecided.ts'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Time } from '../ui/time.tsx'
import { Diff } from './plan-parts.tsx'
import { useStore, type ViewModel } from './view-model.tsx'

const acceptCommand = 'npx zotbar data accept'

/** In the app's own window it asks natively first; a page in a browser does not decide it. */
export function Accept({ choice: { found } }: { choice: Undecided }) {
  const store = useStore()
  if (found.holds === 'missing')
    return (
      <p className="small two">
        It is not there. To begin without images, make the folder first, then look again.
      </p>
    )
  if (store.shell === 'electron')
    return (
      <p className="act">
        <Button small onPress={() => store.acceptFolder()}>
          {found.holds === 'images' ? 'Use this folder…' : 'Start empty…'}
        </Button>
      </p>
    )
  return (
    <>
      <p className="small two">In a terminal:</p>
      <p className="cmd">
        <code>{acceptCommand}</code>
        <Copy text={acceptCommand} name="command" />
      </p>
    </>
  )
}

/** The folder that was beside the one that is, what changed, and what can be done. */
export function FolderChange({ model, choice }: { model: ViewModel; choice: Undecided }) {
  const { found, was, config } = choice
  return (
    <>
      <table className="card cmp was">
        <colgroup>
          <col className="respect" />
          <col />
          <col />
        </colgroup>
        <thead>
          <tr>
            <td />
            <th scope="col">{beforeTitle(was, model.now)}</th>
            <th scope="col">Now in config.json</th>
          </tr>
        </thead>
        <tbody>
          <Line
            name="Folder"
            was={was?.folder && <code>{was.folder}</code>}
            now={<code>{found.folder}</code>}
          />
          <Line
            name="Holds"
            was={was && figureText(was)}
            now={
              <span className="marked">
                <Glyph name="attention" size="s" />
                {contentText(found)}
              </span>
            }
          />
          {found.freeBytes !== undefined && <Line name="Free" now={bytes(found.freeBytes)} />}
          {found.modifiedAt !== undefined && (
            <Line
              name="Last written"
              was={was?.asOf !== undefined && `counted ${relativeTime(was.asOf, model.now)}`}
              now={
                <Time at={found.modifiedAt} exact={exactMoment(found.modifiedAt)}>
                  {relativeTime(found.modifiedAt, model.now)}, the folder itself
                </Time>
              }
            />
          )}
        </tbody>
      </table>
      {choice.difference === 'path' && was?.folder !== undefined && (
        <section aria-labelledby="changed">
          <header className="over">
            <h3 id="changed">What changed</h3>
            {config.modifiedAt !== undefined && (
              <p className="label">
                config.json written {relativeTime(config.modifiedAt, model.now)}; not by Zotbar
              </p>
            )}
          </header>
          <Diff
            label={`Change of ${config.file}`}
            text={[
              `  ${config.file}${config.rootDirectory ? `, line ${config.rootDirectory.line}` : ''}: storage.rootDirectory`,
              `- ${JSON.stringify(was.folder)}`,
              `+ ${JSON.stringify(found.folder)}`,
            ].join('\n')}
          />
        </section>
      )}
      <section aria-labelledby="to-do">
        <header className="over">
          <h3 id="to-do">What to do</h3>
        </header>
        <ul className="card options">
          <li>
            <BackAgain choice={choice} />
          </li>
          <li>
            <p className="t">
              {found.holds === 'images' ? 'Start with this folder' : 'Start with the empty folder'}
            </p>
            <p className="small two">{acceptText(choice)}</p>
            <Accept choice={choice} />
          </li>
        </ul>
      </section>
    </>
  )
}

/** "Until yesterday 23:41", or "Before" where nobody wrote down when. */
export function beforeTitle(was: FolderBefore | undefined, now: number): string {
  const at = was?.servedBy?.until ?? was?.asOf
  return at === undefined ? 'Before' : `Until ${relativeTime(at, now)}`
}

function Line({ name, was, now }: { name: string; was?: ReactNode; now: ReactNode }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        {was === undefined || was === false || was === '' ? <span className="two">not known</span> : was}
      </td>
      <td>{now}</td>
    </tr>
  )
}

function BackAgain({ choice: { difference, was, found, config } }: { choice: Undecided }) {
  if (difference === 'path' && was?.folder !== undefined)
    return (
      <>
        <p className="t">Use the old folder again</p>
        <p className="small two">
          Put it back into {config.file}
          {config.rootDirectory && `, line ${config.rootDirectory.line}`}, as storage.rootDirectory. It starts
          by itself.
        </p>
        <p className="cmd">
          <code>{JSON.stringify(was.folder)}</code>
          <Copy text={JSON.stringify(was.folder)} name="folder" />
        </p>
      </>
    )
  return (
    <>
      <p className="t">Bring the folder back</p>
      <p className="small two">
        Attach or mount its volume, or put the images back into {found.folder}. It starts by itself.
      </p>
    </>
  )
}

/** What clients find if this folder is taken for the one from now on. */
function acceptText({ was, found }: Undecided): string {
  const before = was?.tags
  const now = found.holds === 'images' ? found.tags : 0
  const clients =
    before !== undefined && now !== undefined
      ? `Clients find ${now.toLocaleString('en-GB')} of ${count(before, 'tag')}. `
      : ''
  const old =
    was?.folder === undefined || was.folder === found.folder ? '' : `Nothing in ${was.folder} is deleted. `
  return `${clients}${old}`.trim()
}
