import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** `disabled`: the agent is there, and the user turned it off in macOS. */
export type LoginState = { kind: 'unavailable' } | { kind: 'off' } | { kind: 'on' } | { kind: 'disabled' }

export type LoginResult = { ok: true; state: LoginState } | { ok: false; reason: string }

/** Runs a program to its end. Never rejects: a program that cannot be started has a code other than 0. */
export type Run = (
  command: string,
  args: string[],
) => Promise<{ code: number; stdout: string; stderr: string }>

export interface LoginAgent {
  state(): Promise<LoginState>
  /** Only ever called because the user asked. From the next login on, launchd starts the app. */
  enable(): Promise<LoginResult>
  /** Removes the agent. A copy that launchd runs now goes on, and is not ended. */
  disable(): Promise<LoginResult>
  /**
   * For an app that the user opened by hand: lets launchd start it instead, so that a crash is noticed
   * there too. True when launchd took over and this copy is to exit with code 0.
   */
  handOver(): Promise<boolean>
}

export interface LoginAgentOptions {
  /** The agent's name in launchd, and of its file. */
  label: string
  /** The user's home folder. */
  userHome: string
  uid: number
  program: string[]
  environment: Record<string, string>
  /** Bundle whose name and icon System Settings shows beside the agent. */
  bundleId?: string
  run: Run
  launchctl?: string
}

/** Marks a copy that launchd started, so that such a copy never hands over to launchd. */
export const agentArgument = '--login-agent'

/** No agent where there is no launchd. */
export const noLoginAgent: LoginAgent = {
  state: async () => ({ kind: 'unavailable' }),
  enable: async () => ({ ok: false, reason: 'Starting at login needs macOS.' }),
  disable: async () => ({ ok: false, reason: 'Starting at login needs macOS.' }),
  handOver: async () => false,
}

/** The LaunchAgent of the app: a file in ~/Library/LaunchAgents, and launchctl(1). */
export function createLoginAgent(options: LoginAgentOptions): LoginAgent {
  const { label, userHome, uid, run, launchctl = '/bin/launchctl' } = options
  const file = join(userHome, 'Library', 'LaunchAgents', `${label}.plist`)
  const domain = `gui/${uid}`
  const target = `${domain}/${label}`
  const wanted = () => agentPlist(options)

  const written = (): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined)

  async function write(): Promise<void> {
    await mkdir(dirname(file), { recursive: true })
    const staged = `${file}.${process.pid}.tmp`
    // launchd refuses files that others may write.
    await writeFile(staged, wanted(), { mode: 0o644 })
    await rename(staged, file)
  }

  async function state(): Promise<LoginState> {
    if ((await written()) === undefined) return { kind: 'off' }
    const listed = await run(launchctl, ['print-disabled', domain])
    return { kind: listed.code === 0 && isDisabled(listed.stdout, label) ? 'disabled' : 'on' }
  }

  return {
    state,
    async enable() {
      try {
        await write()
      } catch (error) {
        return { ok: false, reason: `${file} cannot be written: ${messageOf(error)}` }
      }
      const enabled = await run(launchctl, ['enable', target])
      if (enabled.code !== 0) return { ok: false, reason: `launchctl enable: ${enabled.stderr.trim()}` }
      return { ok: true, state: await state() }
    },
    async disable() {
      try {
        await rm(file, { force: true })
      } catch (error) {
        return { ok: false, reason: `${file} cannot be removed: ${messageOf(error)}` }
      }
      return { ok: true, state: await state() }
    },
    async handOver() {
      const currentPlist = await written()
      if (currentPlist === undefined || (await state()).kind !== 'on') return false
      if (currentPlist !== wanted()) {
        // The app was moved or updated. launchd reads the corrected file at the next login.
        await write().catch(() => {})
        return false
      }
      // Loading it starts it (RunAtLoad); where it was loaded before, this fails and kickstart starts it.
      const loaded = await run(launchctl, ['bootstrap', domain, file])
      return loaded.code === 0 || (await run(launchctl, ['kickstart', target])).code === 0
    },
  }
}

/** One line of `launchctl print-disabled` reads `"label" => disabled`, on older systems `=> true`. */
export function isDisabled(listing: string, label: string): boolean {
  return listing
    .split('\n')
    .map(line => line.trim())
    .some(line => line === `"${label}" => disabled` || line === `"${label}" => true`)
}

/**
 * The agent's file, see launchd.plist(5). KeepAlive.SuccessfulExit = false: a crash is started again,
 * Quit (exit code 0) is not. AbandonProcessGroup: launchd never ends the registry with the app.
 */
export function agentPlist(
  options: Pick<LoginAgentOptions, 'label' | 'program' | 'environment' | 'bundleId'>,
): string {
  const { label, program, environment, bundleId } = options
  const entries = Object.entries(environment)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key>${string(label)}`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...[...program, agentArgument].map(argument => `    ${string(argument)}`),
    '  </array>',
    ...(entries.length === 0
      ? []
      : [
          '  <key>EnvironmentVariables</key>',
          '  <dict>',
          ...entries.map(([key, value]) => `    <key>${xml(key)}</key>${string(value)}`),
          '  </dict>',
        ]),
    '  <key>RunAtLoad</key><true/>',
    '  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>',
    '  <key>ThrottleInterval</key><integer>10</integer>',
    '  <key>AbandonProcessGroup</key><true/>',
    '  <key>ProcessType</key><string>Interactive</string>',
    '  <key>LimitLoadToSessionType</key><string>Aqua</string>',
    ...(bundleId === undefined
      ? []
      : [`  <key>AssociatedBundleIdentifiers</key><array>${string(bundleId)}</array>`]),
    '</dict>',
    '</plist>',
    '',
  ].join('\n')
}

const string = (text: string): string => `<string>${xml(text)}</string>`

/** XML 1.0 has no way to write most control characters; a path that holds one cannot be an agent's. */
function xml(text: string): string {
  const bad = [...text].find(char => char < ' ' && !'\t\n\r'.includes(char))
  if (bad !== undefined) throw new Error(`A property list cannot hold the character ${bad.codePointAt(0)}`)
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
