/** `npm run test:chaos`. */
export const isThorough = process.env['ZOTBAR_CHAOS'] === '1'

/** Delays after a line, ms: `npm test` kills at the first of them, `npm run test:chaos` at each. */
export const killDelays = (all: number[]): number[] => (isThorough ? all : all.slice(0, 1))

/** `npm run test:chaos` takes all of these cases, `npm test` every fifth one and the last. */
export const sampleOf = <T>(all: readonly T[]): T[] =>
  all.filter((_, at) => isThorough || at % 5 === 0 || at === all.length - 1)
