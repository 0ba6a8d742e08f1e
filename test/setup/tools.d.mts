interface Tool {
  there(): boolean
  debian: string
  macos?: string
}
export const tools: Record<'skopeo' | 'buildah' | 'umoci' | 'busybox' | 'chromium', Tool>
export function missingTools(): string[]
export function install(missing: string[]): string[]
