import type { ManifestFault, ReleaseFailure, WebCause, WebFailure } from '../failure.ts'
import { unreachable } from '../result.ts'
import type { Snapshot } from '../snapshot.ts'
import { bytes, capital, count, exactMoment } from './format.ts'
import { type FailureMessage, unknownMessage } from './message.ts'

/** The message for a version of zot that cannot be fetched or trusted. */
export function releaseFailureMessage(error: ReleaseFailure): FailureMessage {
  switch (error.code) {
    case 'release-not-found':
      return {
        title: `There is no release ${error.version}`,
        steps: [
          `${hostOf(error.url)} does not know it.`,
          'Without --to the newest is taken; the window lists them all.',
        ],
      }
    case 'release-not-built-for':
      return {
        title: `${error.version} is not there for this machine`,
        steps: [`The release has no ${error.asset}.`, 'Choose another version, or build it from source.'],
      }
    case 'download-broken':
      return {
        title: 'The download broke off',
        steps: [
          `${bytes(error.bytes)}${error.of === undefined ? '' : ` of ${bytes(error.of)}`} came from ${error.url}: ${error.reason}.`,
          'Try again: it goes on where it broke off.',
        ],
      }
    case 'too-large':
      return {
        title: 'The file is too large',
        steps: [`${error.path} has more than ${bytes(error.limit)}. A zot is smaller; check the path.`],
      }
    case 'no-space':
      return {
        title: 'There is too little space',
        steps: [
          `${error.path}: ${bytes(error.needed)} needed${error.free === undefined ? '' : `, ${bytes(error.free)} free`}.`,
          'Make room on that volume, then try again. Nothing was changed.',
        ],
      }
    case 'size-differs':
      return {
        title: 'The file has another size than the release says',
        steps: [
          `${error.path} has ${error.bytes} bytes; the list of assets says ${error.listed}.`,
          'It is not used. Download it again; if it stays so, do not trust the source.',
        ],
      }
    case 'digest-differs':
      return {
        title: `The digests of ${error.name} do not agree`,
        steps: [
          ...error.claims.map(
            ({ source, sha256 }) => `${capital(source)}: ${sha256 ?? 'the file is not named there'}`,
          ),
          'It is not used. Download it again; if it stays so, do not trust the source.',
        ],
      }
    case 'not-a-program':
      return {
        title: 'That is not a zot for this machine',
        steps: [
          `${error.path}: ${error.reason}.`,
          'Take the bare program, as zot-linux-amd64 or zot-darwin-arm64. Nothing of it was run.',
        ],
      }
    case 'file-changed':
      return {
        title: 'The file changed after it was checked',
        steps: [
          `${error.path} had SHA-256 ${error.expected} and now has ${error.found}.`,
          'It is not used. Find out what writes there, then download it again.',
        ],
      }
    case 'version-not-told':
      return {
        title:
          error.version === undefined
            ? 'This program cannot be used as zot'
            : `${error.version} does not report its version`,
        steps: [
          `${error.path}: ${error.reason}.`,
          error.version === 'v2.1.10'
            ? 'zot v2.1.10 prints a broken answer, so nothing proves what it is. Take v2.1.11 or later.'
            : 'Nothing else of it was run. Take the bare program of a release, as zot-linux-amd64 or zot-darwin-arm64.',
        ],
      }
    case 'version-differs':
      return {
        title: `The program reports ${error.told}, not ${error.wanted}`,
        steps: [`${error.path} says so itself.`, 'It is not used. Do not trust the source.'],
      }
    case 'manifest-refused':
      return {
        title: `The signed manifest of ${error.version} is refused`,
        steps: [
          manifestText(error.fault),
          'A key is pinned in releases.publicKey, so nothing is used without a valid manifest.',
        ],
      }
    default:
      return webFailureMessage(error)
  }
}

/** The message for an address from which nothing could be fetched. */
function webFailureMessage(error: WebFailure): FailureMessage {
  switch (error.code) {
    case 'web-unreachable':
      return {
        title: `${hostOf(error.url)} cannot be reached`,
        steps: [`${error.url}: ${error.reason}.`, causeAdvice(error.cause)],
      }
    case 'web-limited':
      return {
        title: `${hostOf(error.url)} wants fewer requests`,
        steps: [
          `Its limit for this address is used up until ${exactMoment(error.until)}.`,
          'It is not asked before then. What was known stays known, and a local file works meanwhile.',
        ],
      }
    case 'web-refused':
      return {
        title: `${hostOf(error.url)} answers ${error.status}`,
        steps: [
          `${error.url} was asked for.`,
          error.status === 404
            ? 'It is not there. Check the settings releases.url and releases.repository, or the address.'
            : 'Try again later, or take another source: --from FILE.',
        ],
      }
    case 'web-not-understood':
      return {
        title: `The answer of ${hostOf(error.url)} is not understood`,
        steps: [
          `${error.url}: ${error.reason}.`,
          'A proxy or a sign-in page may stand in between. Check the setting releases.url.',
        ],
      }
    case 'web-redirect-refused':
      return {
        title: 'A redirect was not followed',
        steps: [
          `${error.url} leads to ${error.to}.`,
          error.why === 'unsafe'
            ? 'From https it goes on with https only. Nothing was taken.'
            : 'That is the sixth redirect, and five are followed. Nothing was taken.',
        ],
      }
    case 'web-too-large':
      return {
        title: 'The download is too large',
        steps: [
          `${error.url} sends more than ${bytes(error.limit)}, the most it may have. It was cut off.`,
          'Check the address.',
        ],
      }
    case 'bad-url':
      return {
        title: 'The address cannot be used',
        steps: [`${error.url}: ${error.reason}.`, 'Give one that begins with https:// or http://.'],
      }
    default:
      return unknownMessage(error)
  }
}

function causeAdvice(cause: WebCause): string {
  switch (cause) {
    case 'no-network':
    case 'name':
      return 'Check the network. A version that is installed already, or a local file, needs none.'
    case 'proxy':
      return 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment that Zotbar was started with.'
    case 'certificate':
      return 'If a proxy opens TLS here, name its certificate in NODE_EXTRA_CA_CERTS and start Zotbar again.'
    case 'refused':
    case 'silent':
    case 'cut':
    case 'other':
      return 'Try again later, or take another source: --from FILE.'
    default:
      return unreachable(cause)
  }
}

/** What is wrong with a manifest, as a sentence. */
function manifestText(fault: ManifestFault): string {
  switch (fault.kind) {
    case 'missing':
      return 'The release has no zot-manifest.json with a zot-manifest.json.sig.'
    case 'key-unusable':
      return 'releases.publicKey is no Ed25519 public key.'
    case 'signature':
      return 'Its signature was not made with the pinned key, or the file was changed after it was signed.'
    case 'not-understood':
      return `It is not as it must be: ${fault.reason}.`
    case 'another-version':
      return `It is the manifest of ${fault.version}.`
    case 'expired':
      return `It expired on ${exactMoment(fault.at)}.`
    case 'not-yet':
      return `It says that it was issued on ${exactMoment(fault.at)}, which lies ahead. Check this computer's clock.`
    case 'replayed':
      return `It was issued on ${exactMoment(fault.at)}, and one of ${exactMoment(fault.newest)} was accepted before.`
    case 'not-named':
      return `It does not name ${fault.asset}.`
    case 'differs':
      return `For ${fault.asset} it says ${fault.bytes} bytes with SHA-256 ${fault.sha256}; the file has others.`
    default:
      return unreachable(fault)
  }
}

/** Without `URL`, which the page and Node have and the contract's types have not. */
function hostOf(url: string): string {
  return /^[a-z]+:\/\/(?:[^/@]*@)?([^/?#]+)/i.exec(url)?.[1] ?? url
}

/** Advisories against the version that runs; undefined without one. `title` has no full stop. */
export function advisoryMessage({
  upgrade,
  engine,
}: Pick<Snapshot, 'upgrade' | 'engine'>): { title: string; detail: string } | undefined {
  const advisories = upgrade?.advisories ?? []
  if (advisories.length === 0) return undefined
  const verb = advisories.length === 1 ? 'affects' : 'affect'
  const newest = upgrade?.newest
  const way =
    newest === undefined || newest === engine.version
      ? 'What to do: zotbar upgrade --dry-run.'
      : `${newest} is there; what it would mean: zotbar upgrade --dry-run.`
  return {
    title: `${count(advisories.length, 'advisory', 'advisories')} ${verb} ${engine.version ?? engine.id}`,
    detail: `${advisories.map(({ id }) => id).join(', ')}. ${way}`,
  }
}
