import { bytes, relativeTime } from '../contract/messages/format.ts'
import { status as statusObject } from '../contract/messages/status.ts'
import { contentText, figureText } from '../contract/messages/undecided-message.ts'
import type { DataFolder, FolderBefore, FolderFound } from '../contract/undecided.ts'
import { exitCode, table } from './output.ts'
import { reportStates } from './registry.ts'
import type { Verb } from './verb.ts'

/** The data folder before and now, side by side. With --json one object: {same, difference?, found, was?, choice?}. */
export const show: Verb<object> = async ({ out, client, now }) => {
  const reply = await client.zotbar.data.show({})
  if (!reply.ok) return out.failure(reply.error)
  out.object(reply.value)
  out.line(folderText(reply.value, now()))
  return exitCode.done
}

/** Accepts the folder that config.json names, if it exists. Returns when the registry serves on it. */
export const accept: Verb<object> = async context => {
  const { out, client, now } = context
  const done = await reportStates(context, 'serving', () => client.zotbar.data.accept({}))
  if (!done.ok) return out.failure(done.error)
  out.object(statusObject(done.value, now()))
  out.line(`Accepted. ${done.value.registry.dataFolder ?? 'It'} is the data folder from now on.`)
  return exitCode.done
}

/** Two columns, and whether they are the same folder. */
function folderText({ same, difference, found, was, choice }: DataFolder, now: number): string {
  const rows = [
    ['Folder', was?.folder ?? 'not known', found.folder],
    ['Holds', (was && figureText(was)) ?? 'not known', contentText(found)],
    [
      'As of',
      asOf(was, now),
      found.modifiedAt === undefined ? '' : `changed ${relativeTime(found.modifiedAt, now)}`,
    ],
    ['Served by', servedBy(was, now), chosen(choice)],
    ['Free', '', found.freeBytes === undefined ? '' : bytes(found.freeBytes)],
    ['zot’s files', '', databases(found)],
  ]
  const verdict = same
    ? was === undefined
      ? 'Nothing was written down of a data folder yet.'
      : 'It is the data folder that it was.'
    : found.holds === 'missing'
      ? `${difference === 'missing' ? 'The data folder' : found.folder} is not there. When its volume is back, it is looked at again by itself.\nTo begin without images in its place, make the folder first; then: zotbar data accept`
      : 'It is not the data folder that it was. To begin with this one: zotbar data accept'
  return `${table(['', 'BEFORE', 'NOW'], rows)}\n${verdict}`
}

const asOf = (was: FolderBefore | undefined, now: number): string =>
  was?.asOf === undefined ? '' : relativeTime(was.asOf, now)

function servedBy(was: FolderBefore | undefined, now: number): string {
  const by = was?.servedBy
  if (by === undefined) return ''
  const untilText = by.until === undefined ? '' : ` until ${relativeTime(by.until, now)}`
  return `${by.engine}${by.version === undefined ? '' : ` ${by.version}`}${untilText}`
}

const chosen = (choice: DataFolder['choice']): string =>
  choice === undefined ? 'nothing chosen' : `${choice.engine}, chosen`

const databases = ({ databases: files }: FolderFound): string =>
  files.length === 0 ? 'none' : files.map(file => file.split('/').at(-1) ?? file).join(', ')
