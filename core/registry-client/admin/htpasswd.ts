import { randomInt } from 'node:crypto'

/** bcrypt's work factor, as `htpasswd -B` of today has it or more. */
export const bcryptCost = 10

/** Letters and digits that are not mistaken for each other when read aloud. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const passwordLength = 24

/** 24 characters, about 139 bits. */
export const generatePassword = (): string =>
  Array.from({ length: passwordLength }, () => alphabet[randomInt(alphabet.length)]).join('')

/** `text` with the line of `user` replaced, or added at its end; every other line stays as it is. Pure. */
export function withUser(text: string, user: string, hash: string): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const at = lines.findIndex(line => line.startsWith(`${user}:`))
  const line = `${user}:${hash}`
  const next = at === -1 ? [...lines, line] : lines.map((old, index) => (index === at ? line : old))
  return `${next.join('\n')}\n`
}
