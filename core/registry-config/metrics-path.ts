import { loadConfig } from '../../registry/config/load.ts'

/**
 * Where config.json has the metrics answered, such as "/metrics"; undefined for nowhere, or where it cannot be read. Read
 * as zot reads it, which takes what zotbar-registry takes too.
 */
export async function metricsPathIn(configFile: string): Promise<string | undefined> {
  const loaded = await loadConfig(configFile, { engine: 'zot' })
  const metrics = loaded.ok ? loaded.config.extensions?.metrics : undefined
  return metrics?.enable ? metrics.prometheus.path : undefined
}
