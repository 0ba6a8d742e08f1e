/** One row of `settings list`. A setting that names a program, command, host, file or URL is `via: 'cli'`. */
export interface SettingRow {
  key: string
  value: boolean | number | string
  default: boolean | number | string
  words: string
  allowed: string
  how: 'now' | 'restart'
  via: 'any' | 'cli'
}

export interface SettingChanged {
  key: string
  value: boolean | number | string
  takesEffect: 'now' | 'restart'
}
