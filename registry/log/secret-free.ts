/** Parameters whose values are about images and pages; every other one might be a secret. */
const harmless = new Set([
  'n',
  'last',
  'digest',
  'mount',
  'from',
  'tag',
  'artifactType',
  'provider',
  'digest-algorithm',
  'id',
])

/** Longer ones come only from attackers. */
const maxLength = 4096

/** A path with its query as it may stand in a log: the values of unknown parameters are masked. */
export function secretFree(url: string): string {
  const text = url.length > maxLength ? url.slice(0, maxLength) : url
  const question = text.indexOf('?')
  if (question < 0) return text
  const masked = text
    .slice(question + 1)
    .split('&')
    .map(pair => {
      const equals = pair.indexOf('=')
      if (equals < 0) return harmless.has(pair) || pair === '' ? pair : '******'
      return harmless.has(pair.slice(0, equals)) ? pair : `${pair.slice(0, equals + 1)}******`
    })
  return `${text.slice(0, question)}?${masked.join('&')}`
}
