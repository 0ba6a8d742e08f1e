/** `either`: the ending of the file says nothing, so it is JSON if it can be, and else YAML, as for zot. */
export type ConfigFormat = 'json' | 'yaml' | 'either'

/** Endings for which zot has another reader, or none. */
const others = ['toml', 'properties', 'props', 'prop', 'hcl', 'tfvars', 'dotenv', 'env', 'ini']

/** What follows the last dot of a file's name; empty without one. */
export const endingOf = (file: string): string => /\.([^./]*)$/.exec(file)?.[1] ?? ''

/** The format of a config file by its ending, as zot goes; undefined for one that Zotbar does not read. */
export function formatOf(file: string): ConfigFormat | undefined {
  const ending = endingOf(file)
  if (ending === 'json') return 'json'
  if (ending === 'yaml' || ending === 'yml') return 'yaml'
  return others.includes(ending) ? undefined : 'either'
}

export const formatsOf = (format: ConfigFormat): ('json' | 'yaml')[] =>
  format === 'either' ? ['json', 'yaml'] : [format]
