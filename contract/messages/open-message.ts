import type { OpenToAll } from '../undecided.ts'
import type { Question } from './choice-message.ts'

/** "Anyone who can reach this Mac may push". */
export const openText = (most: 'push' | 'pull' | undefined, machine: string): string =>
  most === undefined
    ? `Nobody who reaches ${machine} is asked who they are`
    : `Anyone who can reach ${machine} may ${most}`

/** What was found, in a few sentences. */
export const openReason = ({ address, most }: OpenToAll, machine: string): string =>
  `config.json opens ${address} to other machines, and has no http.auth. ${openText(most, machine)}. Nothing was started.`

/** What everybody may do, and what was agreed to before. */
export const openEvidence = ({ rights, agreed }: OpenToAll): string[] => [
  ...(rights.length === 0 ? ['do nothing'] : rights).map(text => `Everyone may ${text}.`),
  ...(agreed === undefined
    ? []
    : [`Agreed to before: ${agreed.join('; ') || 'nothing'}. It may be more now.`]),
]

/** The question before it is agreed to. */
export function openQuestion({ address, most, rights }: OpenToAll, machine: string): Question {
  return {
    title: `Serve ${address} to everyone?`,
    body: [
      `${openText(most, machine)}, and nobody is asked who they are.`,
      ...rights.map(text => `Everyone may ${text}.`),
      'It holds for this address and these rights; more is asked again.',
    ].join('\n'),
    confirm: 'Serve it to everyone',
  }
}

/** What else can be done about it. */
export const openInstead = [
  'To ask people who they are: http.auth in config.json, with htpasswd or openid.',
  'To keep it to this machine: http.address 127.0.0.1.',
]
