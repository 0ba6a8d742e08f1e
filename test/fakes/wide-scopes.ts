/** As many scopes as a key may have, each of which would be 256 patterns if its braces were multiplied out. */
export const wideScopes: readonly string[] = Array.from(
  { length: 64 },
  (_, at) => `repository:${'{**,*}/'.repeat(8)}*a*z${at}:read`,
)
