/** Folders of their own for repositories whose first of several name parts is the key: "a" for "a/b", not for "a". */
export type SubFolders = Readonly<Record<string, string>>

/** The data folder that a repository lies in, under its whole name. */
export function rootOf(folder: string, subs: SubFolders, repository: string): string {
  const slash = repository.indexOf('/')
  const first = repository.slice(0, Math.max(0, slash))
  return slash > 0 && Object.hasOwn(subs, first) ? (subs[first] ?? folder) : folder
}

/** Every data folder once. */
export const rootsOf = (folder: string, subs: SubFolders): string[] => [
  ...new Set([folder, ...Object.values(subs)]),
]
