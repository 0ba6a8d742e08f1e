import {
  type AnonymousRights,
  anonymousRights,
  isWider,
  openAddress,
  parseOpenAddress,
  rightsText,
} from './anonymous-rights.ts'
import type { Config } from './config.ts'
import type { ConfigProblem, Position } from './problem.ts'
import { unsupported } from './supported.ts'

/** Somebody agreed that nobody is asked who they are: at this address, as `parseOpenAddress` gives it. */
export interface OpenConsent {
  address: string
  /** What was granted without a credential when it was agreed to; absent: what is when it is looked at first. */
  rights?: AnonymousRights
}

/** The variable in which Zotbar's core hands over what was agreed to, as JSON. */
export const openVariable = 'ZOTBAR_OPEN_REGISTRY'

interface CheckedConfig {
  config: Config
  positions: Record<string, Position>
}

export type ConfigCheck = (read: CheckedConfig) => ConfigProblem[]

/** What of a config.json is refused: what zotbar-registry cannot do, and an open registry that nobody agreed to. */
export function createConfigCheck(consent: OpenConsent | undefined): ConfigCheck {
  let agreed = consent
  let first: Config | undefined
  return read => {
    const { config, positions } = read
    // A process that serves goes on where it began, and asks whom it asked then, whatever the file says meanwhile.
    const served = first === undefined ? config : withListenerOf(first, config)
    first ??= config
    if (agreed !== undefined) agreed = { rights: anonymousRights(first), ...agreed }
    const open = openProblem(read, agreed) ?? openProblem({ config: served, positions }, agreed)
    return [...unsupported(read), ...(open === undefined ? [] : [open])]
  }
}

function withListenerOf({ http: { address, port, auth, tls } }: Config, config: Config): Config {
  return { ...config, http: { ...config.http, address, port, auth, tls } }
}

/** Why an open registry is not served: nobody agreed to it, or to less. Undefined: it may be. */
function openProblem(
  { config, positions }: CheckedConfig,
  consent: OpenConsent | undefined,
): ConfigProblem | undefined {
  const address = openAddress(config)
  if (address === undefined) return undefined
  const at = (keyPath: string) => ({ code: 'not-allowed' as const, keyPath, ...(positions[keyPath] ?? {}) })
  if (consent?.address !== address)
    return {
      ...at('http.address'),
      message: `${JSON.stringify(config.http.address)} is open to other machines, and without http.auth (htpasswd, apikey or openid) nobody is asked who they are; serve --open ${address} agrees to that`,
      allowed: '127.0.0.1, ::1 or localhost',
    }
  const { rights } = consent
  const now = anonymousRights(config)
  if (rights === undefined || !isWider(rights, now)) return undefined
  return {
    ...at('http.accessControl'),
    message: `this may grant more to everybody than was agreed to for ${address}, which was ${rightsText(rights).join('; ') || 'nothing'}`,
  }
}

type ConsentResult = { ok: true; consent: OpenConsent | undefined } | { ok: false; message: string }

/** From `--open`, or from the environment, which `--open` replaces. */
export function readConsent(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): ConsentResult {
  if (flag !== undefined) {
    const address = parseOpenAddress(flag)
    return address === undefined
      ? {
          ok: false,
          message: `--open takes ADDRESS:PORT, such as 0.0.0.0:5050, and not ${JSON.stringify(flag)}`,
        }
      : { ok: true, consent: { address } }
  }
  const text = environment[openVariable]
  if (!text) return { ok: true, consent: undefined }
  const consent = parseConsent(text)
  return consent ? { ok: true, consent } : { ok: false, message: `${openVariable} is not what Zotbar writes` }
}

function parseConsent(text: string): OpenConsent | undefined {
  try {
    const read: unknown = JSON.parse(text)
    return isConsent(read) ? read : undefined
  } catch {
    return undefined
  }
}

const isConsent = (value: unknown): value is OpenConsent & { rights: AnonymousRights } =>
  typeof value === 'object' &&
  value !== null &&
  'address' in value &&
  typeof value.address === 'string' &&
  'rights' in value &&
  isRights(value.rights)

const isRights = (value: unknown): value is AnonymousRights =>
  value === 'everything' ||
  (Array.isArray(value) &&
    value.every(
      one => Array.isArray(one) && typeof one[0] === 'string' && Array.isArray(one[1]) && one.length === 2,
    ))
