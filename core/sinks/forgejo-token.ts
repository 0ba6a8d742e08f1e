import { fail, type Result } from '../../contract/result.ts'

/** The account that the token is kept under, beside the keys. */
export const forgejoTokenAccount = 'forgejo-token'

/** One secret; core/secrets has one by name. */
interface Note {
  set(secret: string): Promise<Result<null>>
}

/** Keeps an access token as it was pasted or piped. Errors: bad-input, and those of the place. */
export function giveForgejoToken(note: Note, given: string): Promise<Result<null>> {
  const token = given.trim()
  const wrong =
    token === ''
      ? 'nothing'
      : token.length > 500
        ? `${token.length} characters`
        : /^[\x21-\x7e]+$/.test(token)
          ? undefined
          : 'a space, or a sign that is not ASCII, within it'
  if (wrong === undefined) return note.set(token)
  return Promise.resolve(
    fail({ code: 'bad-input', field: 'token', wrong, allowed: 'an access token of Forgejo, on one line' }),
  )
}
