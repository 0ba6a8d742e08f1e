declare global {
  interface ImportMeta {
    /** The texts of the threads of a program, by name: a build puts them here (build/node-bundles.mjs). */
    readonly threadTexts?: Readonly<Record<string, string>>
  }
}

/**
 * What `new Worker` starts a thread from: in a build the text that the program carries, so that a thread can still be
 * started once an update has taken the program's files away; in the sources the file beside the module.
 * @param moduleUrl import.meta.url of the file that starts it
 * @param name of the file beside it that is the thread, without extension
 */
export function threadCode(moduleUrl: string, name: string): URL {
  const text = import.meta.threadTexts?.[name]
  if (text !== undefined) return new URL(`data:text/javascript,${encodeURIComponent(text)}`)
  return new URL(`./${name}.ts`, moduleUrl)
}
