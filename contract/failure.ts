import type { ShellCapability } from './shell.ts'

/** One thing wrong in config.json. `keyPath` is dotted ("http.port"); `line` and `column` count from 1. */
export interface ConfigFault {
  message: string
  keyPath?: string
  line?: number
  column?: number
  allowed?: string
}

/** How a process ended. Adopted processes are not our children, so their exit code cannot be known. */
export type Exit =
  | { kind: 'code'; code: number }
  | { kind: 'signal'; signal: string }
  | { kind: 'unknown-adopted' }
  | { kind: 'not-spawned'; reason: string }

/** What a registry that does not start waits for, outside of it: it is started again and again until that is there. */
export type WaitsFor = 'identity-provider' | 'lock' | 'address'

/**
 * Why nothing is started although the port is free. `store-of-another-engine`: zot's databases lie in a data folder for
 * which nobody has chosen an engine, or a zot served it until now. `config-refused`: config.json asks for what
 * zotbar-registry does not do. `open-registry`: other machines would reach it, nobody is asked who they are, and nobody
 * agreed to that. `other-folder`: the data folder is not the one that it was.
 */
export type UndecidedWhy = 'store-of-another-engine' | 'config-refused' | 'open-registry' | 'other-folder'

/** What has to be chosen once the port is free, and the commands for it. Plain data. */
export interface OpenChoice {
  why: UndecidedWhy
  commands: string[]
}

/** What starts a process again when it ends. `stop` ends it, `disable` keeps it from the next login or boot. */
export interface KeptBy {
  manager: 'launchd' | 'systemd' | 'docker' | 'podman'
  /** A label, a unit, or the beginning of a container's id. */
  name: string
  stop: string
  disable?: string
}

/** Every way a command or a state can fail. The words for each are in contract/messages/failure-message.ts. */
export type Failure =
  | { code: 'config-missing'; file: string }
  /** No config.json is kept with which this registry started; with `at` it is the one of now. */
  | { code: 'no-other-config'; file: string; at?: number }
  /** `unfinished`: it was being written all the time that it was looked at, and is read again by itself. */
  | { code: 'config-invalid'; file: string; faults: ConfigFault[]; unfinished?: true }
  /** A file that config.json names: `reason` is half a sentence. It is looked at again by itself. */
  | { code: 'named-file-unusable'; keyPath: string; path: string; reason: string }
  | { code: 'data-volume-missing'; path: string; parent: string }
  | { code: 'data-unreadable'; path: string; reason: string }
  | { code: 'data-read-only'; path: string }
  | { code: 'data-not-a-folder'; path: string }
  /** The system does not let this user, or on macOS this program, read it. */
  | { code: 'data-denied'; path: string; by: 'macos' | 'permissions' }
  /** The data folder was replaced by another one while it was served. */
  | { code: 'other-folder'; path: string }
  /** The port is free and nothing was started: `commands` decide it. */
  | { code: 'undecided'; why: UndecidedWhy; folder: string; commands: string[] }
  /** The data folder is the one that it was. `commands` decide what is open all the same, where something is. */
  | { code: 'nothing-to-accept'; folder: string; commands?: string[] }
  /** A folder that is not there cannot be accepted: it would be made, perhaps where a volume is to be mounted. */
  | { code: 'data-folder-missing'; path: string }
  | { code: 'engine-missing'; path: string }
  | { code: 'port-in-use'; port: number; pid?: number; command?: string; keptBy?: KeptBy; open?: OpenChoice }
  /** `lastWord`: what it said last, in one line; `waitsFor`: it is started again until that is there. */
  | { code: 'start-failed'; exit: Exit; lastLines: string[]; lastWord?: string; waitsFor?: WaitsFor }
  | { code: 'start-too-slow'; limitMs: number; lastLines: string[] }
  | { code: 'root-in-use'; path: string; pid?: number; command?: string; keptBy?: KeptBy }
  | { code: 'stop-failed'; pid: number }
  | { code: 'already-running'; pid: number; home: string }
  /** `registry`: one that Zotbar started goes on, as the command line found. */
  | { code: 'app-not-running'; home: string; registry?: { pid: number } }
  /** `pid`: the core that hangs, where that is known. */
  | { code: 'app-not-answering'; home: string; limitMs: number; pid?: number }
  /** The core ended before it answered: `how` is its exit code or signal. */
  | { code: 'core-ended'; home: string; how: string }
  /** `service` as its manager names it; `reason` is half a sentence. */
  | { code: 'service-not-started'; service: string; reason: string }
  | { code: 'home-unusable'; path: string; reason: string }
  /** A newer Zotbar changed the home: `format` is its number, `known` the newest that this one knows. */
  | { code: 'home-newer'; home: string; format: number; known: number }
  /** home.json does not say which format the home has: `reason` is half a sentence. */
  | { code: 'home-damaged'; file: string; reason: string; known: number }
  | { code: 'busy'; with: string }
  /** A run cannot go on, and comes before any other: `reason` is a sentence. */
  | { code: 'run-broken-off'; run: string; title: string; reason: string }
  | { code: 'quitting' }
  | { code: 'nothing-to-cancel' }
  /** No runbook is under way, or not the one that was meant. */
  | { code: 'nothing-under-way' }
  /** An engine that cannot be run here: `reason` is half a sentence. */
  | { code: 'engine-unusable'; engine: string; path: string; reason: string }
  /** Upgrades are of zot; this engine changes with Zotbar itself. */
  | { code: 'upgrade-needs-zot'; engine: string }
  /** There is no version to go back to. */
  | { code: 'no-earlier-version' }
  /** Taken back, or overtaken by a later request. */
  | { code: 'cancelled' }
  | { code: 'bad-input'; field: string; wrong: string; allowed: string }
  | { code: 'unknown-command'; name: string }
  | { code: 'unknown-setting'; key: string; near?: string }
  | { code: 'bad-setting'; key: string; wrong: string; allowed: string }
  | { code: 'setting-not-allowed-here'; key: string }
  /** Changed by a runbook alone: `use` is its command. */
  | { code: 'setting-by-runbook'; key: string; use: string }
  | {
      code: 'not-authorised'
      reason:
        | 'no-session'
        | 'token-used'
        /** A token of the session was used again after another had replaced it, so it was ended. */
        | 'session-replayed'
        | 'wrong-host'
        | 'wrong-origin'
        | 'wrong-sender'
        /** A page of the app: its app has to ask natively first. */
        | 'needs-agreement'
        /** A session of the dashboard that may only look. */
        | 'needs-full-session'
    }
  /** The client is of another contract than the core, which is `version` and process `pid`. */
  | { code: 'other-contract'; ours: number; theirs: number; version: string; pid: number }
  /** The core that answers was made before there were hellos. */
  /** The core of another build was not given the home, and the one that has it goes on: half a sentence why. */
  | { code: 'hand-over-refused'; reason: string }
  /** It was given the home and did not serve, so the core from before serves again. */
  | { code: 'hand-over-failed'; reason: string }
  | { code: 'core-older'; pid?: number; home: string }
  /** Somebody else answered what the core had asked: `by` is "an app (process N)", or who closed the question. */
  | { code: 'already-answered'; by: string }
  /** The app that was asked went away without an answer. */
  | { code: 'shell-gone' }
  | { code: 'registry-not-serving' }
  | { code: 'image-not-found'; repository: string; reference?: string }
  /** The registry refuses the core's credential, or wants one and the core has none. */
  | { code: 'registry-denied'; what: string; status: number; user?: string }
  | { code: 'registry-refused'; what: string; status: number; reason: string }
  | { code: 'registry-unreachable'; reason: string }
  /** The registry runs, and cannot read this one of its repositories: `reason` is in words, for after a colon. */
  | { code: 'repository-unreadable'; repository: string; reason: string }
  /** The answer began and then stopped for `limitMs`. `what`: "list the images". */
  | { code: 'registry-silent'; what: string; limitMs: number }
  /** The engine has no administration socket, and this needs one. `managed`: whose managed keys cannot be read now. */
  | { code: 'keys-need-admin-socket'; engine: string; user?: string; managed?: string[] }
  | { code: 'keys-off' }
  | { code: 'key-not-found'; uuid: string }
  | { code: 'key-refused'; reason: string }
  | { code: 'secret-gone'; uuid: string }
  /** config.json names no htpasswd file, or one that Zotbar did not write. */
  | { code: 'admin-not-ours'; configFile: string; htpasswd?: string }
  /** `reason`: why the keychain cannot be used, half a sentence; absent: it was, and has nothing. */
  | { code: 'admin-password-unknown'; user: string; htpasswd: string; reason?: string }
  | { code: 'file-unusable'; path: string; reason: string }
  | { code: 'dashboard-off' }
  /** No app is connected that could do it. */
  | { code: 'no-screen'; missing?: ShellCapability; path?: string }
  | { code: 'port-taken'; what: 'dashboard'; port: number; pid?: number; command?: string }
  /** The system does not let this user listen there: `reason` is half a sentence. */
  | { code: 'port-refused'; what: 'dashboard'; port: number; reason: string }
  /** Another host over SSH. `host` as it is known in known_hosts: "build.example" or "[build.example]:2222". */
  | { code: 'host-unreachable'; host: string; reason: string }
  /** Fingerprints are OpenSSH's: "ssh-ed25519 SHA256:…". `known` may hold several, each with its file. */
  | { code: 'host-key-unknown'; host: string; target: string; presented: string; files: string[] }
  | {
      code: 'host-key-changed'
      host: string
      target: string
      presented: string
      known: { fingerprint: string; file: string; line: number }[]
    }
  | { code: 'host-key-revoked'; host: string; presented: string; file: string; line: number }
  /** `tried`: "agent", file names; `skipped`: keys that could not be used, with the reason. */
  | { code: 'host-denied'; host: string; user: string; tried: string[]; skipped: string[]; reason?: string }
  | { code: 'host-no-shell'; host: string; reason: string }
  | { code: 'host-lost'; host: string; reason: string }
  | { code: 'host-too-slow'; host: string; what: string; limitMs: number }
  | { code: 'host-file-unusable'; host: string; path: string; reason: string }
  | {
      code: 'build-failed'
      host: string
      line: string
      exit: number
      lastLines: string[]
    }
  | { code: 'build-too-slow'; host: string; line: string; limitMs: number; lastLines: string[] }
  /** The recipe ran without creating the program at `path`. `found`: the files beside it. */
  | { code: 'build-without-program'; host: string; path: string; found: string[] }
  | { code: 'bad-recipe'; reason: string }
  /** `reason`: the keychain's message, half a sentence. */
  | { code: 'keychain-locked' | 'keychain-denied' | 'keychain-unavailable'; reason: string }
  /** In journals of runs of 0.1.0 alone, which gave up on a keychain. */
  | { code: 'keychain-silent'; limitMs: number }
  /** No keychain, no key file, and nobody insisted on a plain file. */
  | { code: 'no-secret-store'; reason: string }
  | { code: 'key-file-unusable'; file: string; reason: string }
  | { code: 'secret-store-locked'; file: string }
  | { code: 'secret-store-wrong-key'; file: string; by: 'key-file' | 'passphrase' }
  | { code: 'secret-store-damaged'; file: string; reason: string }
  | { code: 'secret-not-kept'; where: string }
  | { code: 'key-not-kept'; registry: string; user: string; slot: string }
  | { code: 'bad-sink'; sink: string; wrong: string; allowed: string }
  | { code: 'key-not-managed'; user: string; known: string[] }
  /** Neither a managed key nor another one of this user is known; `known`: of whom there are. */
  | { code: 'no-key-of-user'; user: string; known: string[] }
  /** No key was given, and with this engine Zotbar can create none for others. */
  | { code: 'key-needed'; user: string }
  /** A rotation waited for a key from a person, and got none. `signIn`: where one is created, for a browser. */
  | { code: 'key-not-given'; user: string; signIn?: string }
  /** `reason`: what is wrong with its form. */
  | { code: 'key-malformed'; reason: string }
  /** The registry does not accept the key for this user; `owner`: its user, where that is known. */
  | { code: 'key-not-accepted'; user: string; owner?: string }
  /** The key that was given to replace the one in use is that key. */
  | { code: 'key-in-use'; user: string }
  | { code: 'key-unidentified'; user: string }
  | { code: 'key-label-refused'; label: string }
  | { code: 'nothing-retiring'; user: string }
  /** The key is managed for another registry than the one here. */
  | { code: 'key-elsewhere'; user: string; registry: string; here: string }
  /** `blocked`: origins that the guard of the sign-in did not allow. */
  | { code: 'sign-in-ended'; user: string; why: 'closed' | 'too-slow' | 'blocked'; blocked: string[] }
  | { code: 'sign-in-not-here'; user: string }
  | ReleaseFailure
  /** It is neither the text from before an edit nor the one after it. */
  | { code: 'config-edited-meanwhile'; file: string }
  /** Facts about releases, from the setting advice.url; `reason` is half a sentence. */
  | { code: 'advice-not-understood'; url: string; reason: string }
  | { code: 'unexpected'; where: string }

/** How an address could not be reached. `silent`: it accepted the connection and did not answer, or stopped in the middle. */
export type WebCause =
  | 'no-network'
  | 'name'
  | 'refused'
  | 'proxy'
  | 'silent'
  | 'cut'
  | 'certificate'
  | 'other'

/** How getting something from an address fails. `url` has no query, which may hold a secret. */
export type WebFailure =
  | { code: 'web-unreachable'; url: string; cause: WebCause; reason: string }
  /** A rate limit; it ends at `until`, ms since the epoch. */
  | { code: 'web-limited'; url: string; until: number }
  | { code: 'web-refused'; url: string; status: number }
  | { code: 'web-not-understood'; url: string; reason: string }
  | { code: 'web-redirect-refused'; url: string; to: string; why: 'unsafe' | 'too-many' }
  | { code: 'web-too-large'; url: string; limit: number }
  | { code: 'bad-url'; url: string; reason: string }

export type ManifestFault =
  | { kind: 'missing' }
  | { kind: 'key-unusable' }
  | { kind: 'signature' }
  | { kind: 'not-understood'; reason: string }
  | { kind: 'another-version'; version: string }
  | { kind: 'expired'; at: number }
  | { kind: 'not-yet'; at: number }
  /** One that was issued later, at `newest`, was accepted before. */
  | { kind: 'replayed'; at: number; newest: number }
  | { kind: 'not-named'; asset: string }
  | { kind: 'differs'; asset: string; sha256: string; bytes: number }

/** How a version of zot cannot be had, or is not to be trusted. Digests are 64 hex digits; `bytes` are counts. */
export type ReleaseFailure =
  | WebFailure
  | { code: 'release-not-found'; version: string; url: string }
  | { code: 'release-not-built-for'; version: string; asset: string }
  | { code: 'download-broken'; url: string; bytes: number; of?: number; reason: string }
  | { code: 'too-large'; path: string; limit: number }
  | { code: 'no-space'; path: string; needed: number; free?: number }
  | { code: 'size-differs'; path: string; bytes: number; listed: number }
  /** Sources that do not agree on a digest; without `sha256` the source does not name the file. */
  | { code: 'digest-differs'; name: string; claims: { source: string; sha256?: string }[] }
  | { code: 'not-a-program'; path: string; reason: string }
  | { code: 'file-changed'; path: string; expected: string; found: string }
  | { code: 'version-not-told'; path: string; reason: string; version?: string }
  | { code: 'version-differs'; path: string; wanted: string; told: string }
  | { code: 'manifest-refused'; version: string; fault: ManifestFault }
