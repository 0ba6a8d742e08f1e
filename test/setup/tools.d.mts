interface Tool {
  there(): boolean
  debian: string
  macos?: string
}
export const tools: Record<
  | 'skopeo'
  | 'buildah'
  | 'containerd'
  | 'umoci'
  | 'busybox'
  | 'openssl'
  | 'caddy'
  | 'curl'
  | 'promtool'
  | 'python3-gi'
  | 'chromium'
  | 'gnome-keyring'
  | 'dbus'
  | 'sshd',
  Tool
>
export function missingTools(): string[]
export function install(missing: string[]): string[]
export function browser(): string | undefined
