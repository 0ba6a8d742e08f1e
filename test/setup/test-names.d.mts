export function inList(name: string): string
export function compare(
  before: readonly string[],
  after: readonly string[],
): { went: string[]; came: string[] }
