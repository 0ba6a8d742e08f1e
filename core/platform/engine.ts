/** A registry program that can be run as `command ...args CONFIG`. */
export interface Engine {
  id: 'zotbar-registry' | 'zot'
  command: string
  /** All arguments before the path of the config file. */
  args: string[]
  /** Added to the allow-listed environment. */
  environment: Record<string, string>
  version?: string
  /** What was built into a zot ("sync", "search", "ui"), where it says so. */
  features?: readonly string[]
  /** SIGTERM lets pushes under way finish, within 15 s. */
  drainsItself: boolean
  /** The path that any living process answers. */
  livenessPath: '/livez' | '/v2/'
}
