import { type Registry, Summary } from 'prom-client'

interface Cell {
  count: number
  sum: number
}

/** So many repositories have a line of their own; the others share one. */
const maxRepositories = 2000
const metricName = 'zot_http_repo_latency_seconds'
/** zot's word for requests about no repository. */
const none = 'N/A'
/** No repository is called so: there is a space in it. */
export const others = 'other repositories'

/**
 * Number and sum of the latencies by repository. A summary without quantiles, as in zot, and kept as two
 * numbers: the library would sort every value into a tree.
 */
export class RepoLatency extends Summary<'repo'> {
  readonly #cells = new Map<string, Cell>()

  constructor(registers: Registry[]) {
    super({
      name: metricName,
      help: 'Time from the headers of a request to the end of its answer',
      labelNames: ['repo'],
      percentiles: [],
      registers,
    })
  }

  /** Only a request that went well makes a new line: names that do not exist are without number. */
  add(repository: string | undefined, wentWell: boolean, seconds: number): void {
    const name = repository ?? none
    let cell = this.#cells.get(name)
    if (cell === undefined) {
      const key = name === none || (wentWell && this.#cells.size < maxRepositories) ? name : others
      cell = this.#cells.get(key) ?? { count: 0, sum: 0 }
      this.#cells.set(key, cell)
    }
    cell.count++
    cell.sum += seconds
  }

  override async get() {
    const values = []
    for (const [repo, { count, sum }] of this.#cells) {
      values.push({ metricName: `${metricName}_sum`, labels: { repo }, value: sum })
      values.push({ metricName: `${metricName}_count`, labels: { repo }, value: count })
    }
    return { ...(await super.get()), values }
  }
}
