/** "team/app:1", or "team/app@sha256:...". */
export const imageReference = (repository: string, reference: string): string =>
  `${repository}${reference.includes(':') ? '@' : ':'}${reference}`

/** What a command line runs, without its path and arguments: "/usr/bin/python3 -m x" -> "python3". */
export const programName = (command: string): string => command.split(' ')[0]?.split('/').at(-1) || command

/** "python3 (process 4182)", or "Another program" where nothing is known of it. */
export function holder(by: { pid?: number | undefined; command?: string | undefined }): string {
  const name = by.command ?? 'Another program'
  return by.pid === undefined ? name : `${name} (process ${by.pid})`
}
