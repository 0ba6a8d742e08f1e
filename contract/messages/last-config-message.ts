import type { Failure } from '../failure.ts'
import type { LastConfigOffer } from '../last-config.ts'
import type { Question } from './choice-message.ts'
import { exactMoment } from './format.ts'
import type { FailureMessage } from './message.ts'
import type { StatusAction } from './summary.ts'

const shownLines = 40

/** A diff as it fits into a question. */
export function shortDiff(diff: string): string {
  const lines = diff.split('\n')
  if (lines.length <= shownLines) return diff
  const rest = lines.length - shownLines
  return [...lines.slice(0, shownLines), `… and ${rest} more lines: zotbar config show`].join('\n')
}

/** What is said of a config.json that was changed since the registry last started, for the end of a reason. */
export const lastConfigHint =
  'config.json was changed since the registry last started with it. What was changed: zotbar config show'

/** Before the config that last started is brought back. */
export const lastConfigQuestion = ({ at, diff }: Pick<LastConfigOffer, 'at' | 'diff'>): Question => ({
  title: 'Use the config that last started?',
  body: [
    `config.json becomes the one of ${exactMoment(at)} again, and the registry starts with it. The text of now is kept beside it.`,
    'Where it is written from a template, such as one of a playbook, change that too.',
  ].join('\n'),
  diff: shortDiff(diff),
  confirm: 'Use it',
})

export const lastConfigAction = (offer: LastConfigOffer): StatusAction => ({
  verb: 'use-last-config',
  label: 'Use the config that last started…',
  kind: 'plain',
  question: lastConfigQuestion(offer),
})

/** Why no other config can be brought back. */
export function lastConfigFailureMessage({
  file,
  at,
}: Extract<Failure, { code: 'no-other-config' }>): FailureMessage {
  return at === undefined
    ? {
        title: 'No config that started is kept',
        steps: [`It is kept from the next time on that the registry becomes ready with ${file}.`],
      }
    : {
        title: 'config.json is the one that last started',
        steps: [`${file} has not changed since ${exactMoment(at)}.`],
      }
}
