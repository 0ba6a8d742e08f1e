/** Why somebody may not do what they asked for. */
export interface Denial {
  /** The right that is missing, in the words of accessControl. */
  readonly right: string
  readonly repository: string
  /** The tag that a push was to set, once it is known that this is what it lacks the right for. */
  readonly tag: string | undefined
  /** Undefined: somebody without credentials. */
  readonly user: string | undefined
  /** Whether the user has the right, and only the key that was shown has not. */
  readonly isOnlyNarrowed: boolean
  /** Whether whoever asked for the token that was shown has the right, and only the token does not hold it. */
  readonly isOnlyOfToken?: boolean
}

/** The denial as the detail of an error: `reason` is for people, the rest for programs. */
export function denialDetail(denial: Denial): Readonly<Record<string, unknown>> {
  const { right, repository, tag, user } = denial
  return {
    reason: reasonOf(denial),
    right,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(user === undefined ? {} : { user }),
  }
}

/** Why somebody known may not read the metrics, as the detail of an error. */
export function metricsDenialDetail(
  user: string,
  isOnlyNarrowed: boolean,
): Readonly<Record<string, unknown>> {
  const reason = isOnlyNarrowed
    ? 'a key with scopes, or a token, does not open the metrics'
    : `the metrics are for accessControl.metrics.users, and user ${JSON.stringify(user)} is not among them`
  return { reason, user }
}

function reasonOf({ right, repository, tag, user, isOnlyNarrowed, isOnlyOfToken = false }: Denial): string {
  const needs = tag === undefined ? '' : `${tagNeeds(right, tag)} `
  const whose = isOnlyOfToken
    ? 'which the token that was shown does not hold'
    : isOnlyNarrowed
      ? 'which the scopes of this key do not give'
      : user === undefined
        ? 'which nobody has without signing in'
        : `which user ${JSON.stringify(user)} does not have`
  return `${needs}the right ${JSON.stringify(right)} on ${repository} is needed, ${whose}`
}

const tagNeeds = (right: string, tag: string): string =>
  right === 'update'
    ? `tag ${JSON.stringify(tag)} exists with other content, and to replace it`
    : `tag ${JSON.stringify(tag)} does not exist, and to set it`

/** To whoever shows a password, key or token that does not hold; it does not say which of these it is. */
export const refusedCredentials = 'the credentials shown are wrong, have ended or were revoked'
