import { parseConfig } from '../../registry/config/config.ts'

/** A key that config.json never has: the answer names those that it may have in its place. */
const probe = 'a-key-that-nobody-has'

/**
 * Every key of config.json that has a value of its own, as paths: "http.auth.openid.providers.oidc.issuer",
 * "storage.subPaths.x.gc", "extensions.sync.registries[0].urls". Found by asking the parser itself, so that none is missed.
 */
export function configKeys(): string[] {
  const found: string[] = []
  const visit = (path: readonly (string | number)[]): void => {
    const keys = keysAt(path) ?? keysAt([...path, 0]) ?? keysAt([...path, '/x'])
    if (keys === undefined) {
      found.push(pathText(path))
      return
    }
    const below = keysAt(path) ? path : keysAt([...path, 0]) ? [...path, 0] : [...path, '/x']
    for (const key of keys) visit([...below, key])
  }
  visit([])
  return found
}

/** The keys of the object at this path; undefined where the file can have none there. */
function keysAt(path: readonly (string | number)[]): string[] | undefined {
  const config = [...path, probe].reduceRight<unknown>(
    (inner, step) => (typeof step === 'number' ? [inner] : { [step]: inner }),
    1,
  )
  const parsed = parseConfig(JSON.stringify(config))
  const at = pathText([...path, probe])
  const problem = parsed.ok ? undefined : parsed.problems.find(({ keyPath }) => keyPath === at)
  return problem?.code === 'unknown-key' ? problem.allowed?.split(', ') : undefined
}

const pathText = (path: readonly (string | number)[]): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  )
