/** What a provider said about whoever signed in. */
export interface Claims {
  readonly idToken: Readonly<Record<string, unknown>>
  readonly userInfo: Readonly<Record<string, unknown>>
}

export interface ClaimNames {
  readonly username: string | undefined
  readonly groups: string | undefined
}

export type AccountResult =
  | { readonly ok: true; readonly user: string; readonly groups: readonly string[] }
  | { readonly ok: false; readonly reason: string }

const maxName = 256
const maxGroups = 1000

/**
 * User and groups out of the claims. The user is the mapped claim, else the email; the groups are those of
 * userinfo and ID token together.
 */
export function accountOf({ idToken, userInfo }: Claims, names: ClaimNames): AccountResult {
  const text = (claim: string): string | undefined =>
    [userInfo[claim], idToken[claim]].find(
      (value): value is string => typeof value === 'string' && value !== '',
    )
  const mapped = names.username === undefined ? undefined : text(names.username)
  const user = mapped ?? text('email')
  if (user === undefined) return { ok: false, reason: `no claim ${names.username ?? 'email'}` }
  // A colon would end the name in HTTP Basic, where the keys of this user are shown.
  if (user.length > maxName || /[:\p{Cc}]/u.test(user)) return { ok: false, reason: 'not a usable user name' }
  const claim = names.groups === undefined || names.groups === '' ? 'groups' : names.groups
  const groups = new Set([...namesIn(userInfo[claim]), ...namesIn(idToken[claim])])
  return { ok: true, user, groups: [...groups].slice(0, maxGroups) }
}

/** Some providers send a single group as a string. */
function namesIn(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.filter((one): one is string => typeof one === 'string' && one !== '' && one.length <= maxName)
}
