import type { OpenToAll } from '../undecided.ts'

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

/** The command that agrees to it. */
export const openCommand = ({ address }: Pick<OpenToAll, 'address'>): string =>
  `zotbar settings set registry.open ${address.startsWith('[') ? `'${address}'` : address}`

/** What else can be done about it. */
export const openInstead = [
  'To ask people who they are: http.auth in config.json, with htpasswd or openid.',
  'To keep it to this machine: http.address 127.0.0.1.',
]
