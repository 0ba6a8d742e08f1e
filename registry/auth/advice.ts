import type { AccessControlConfig } from '../config/http-shape.ts'
import { actions } from './action.ts'
import { isGlob } from './glob.ts'

/**
 * What an operator may not expect of these rules, as sentences with their key paths. Pure.
 * @param hasProviders whether identity providers tell of further groups
 */
export function adviseAccess(
  { repositories, adminPolicy, groups }: AccessControlConfig,
  hasProviders = true,
): string[] {
  const found: string[] = []
  const known: readonly string[] = actions
  const unknownIn = (path: string, words: readonly string[]): void => {
    for (const word of words) {
      if (!known.includes(word))
        found.push(
          `${path}: ${JSON.stringify(word)} is no action and grants nothing; actions are ${known.join(', ')}`,
        )
    }
  }
  const unknownGroups = (path: string, names: readonly string[]): void => {
    for (const name of names) {
      if (name !== name.toLowerCase() && Object.hasOwn(groups, name.toLowerCase())) {
        found.push(
          `${path}: group ${JSON.stringify(name)} never matches: names of groups are read in lower case`,
        )
      } else if (!hasProviders && !Object.hasOwn(groups, name)) {
        found.push(`${path}: nobody is in ${JSON.stringify(name)}, which accessControl.groups does not have`)
      }
    }
  }
  for (const [pattern, { policies, defaultPolicy, anonymousPolicy }] of Object.entries(repositories)) {
    const path = `http.accessControl.repositories[${JSON.stringify(pattern)}]`
    if (!isGlob(pattern)) found.push(`${path}: this is not a pattern, and matches nothing`)
    const less = anonymousPolicy.filter(action => known.includes(action) && !defaultPolicy.includes(action))
    if (less.length > 0) {
      found.push(
        `${path}: zot would not give ${less.join(', ')} to people who are signed in, unless defaultPolicy has it too`,
      )
    }
    unknownIn(`${path}.defaultPolicy`, defaultPolicy)
    unknownIn(`${path}.anonymousPolicy`, anonymousPolicy)
    for (const policy of policies) {
      unknownIn(`${path}.policies`, policy.actions)
      unknownGroups(`${path}.policies`, policy.groups)
    }
  }
  unknownIn('http.accessControl.adminPolicy', adminPolicy.actions)
  unknownGroups('http.accessControl.adminPolicy', adminPolicy.groups)
  return found
}
