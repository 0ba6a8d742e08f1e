import * as v from 'valibot'
import { count, type Setting } from './setting-kind.ts'

/** The steps that build zot by hand, with the Go that a release asks for. mise: https://mise.jdx.dev */
const zotRecipe = [
  'git init -q',
  'git fetch --depth 1 --force https://github.com/project-zot/zot refs/tags/{version}:refs/tags/{version}',
  'git checkout --force --detach refs/tags/{version}',
  'mise use go@{go}',
  'mise x -- make binary',
].join('\n')

/** Words of a certain form that name a program, command, host or file, so not over HTTP. */
function words(
  byDefault: string,
  form: RegExp,
  about: Pick<Setting<string>, 'words' | 'allowed'>,
): Setting<string> {
  const schema = v.pipe(v.string(), v.maxLength(16_384), v.regex(form))
  return { schema, default: byDefault, how: 'now', via: 'cli', ...about }
}

/** How zot is built from source. */
export const buildSettings = {
  'build.recipe': words(zotRecipe, /^[^\0]*[^\0\s][^\0]*$/, {
    words:
      'The commands that build zot from source, in order; {version}, {folder}, {go}, {os} and {arch} are put in',
    allowed: 'a command per line, or a JSON array of them',
  }),
  'build.host': words('', /^$|^[^\s-][^\s]*$/, {
    words: 'Where zot is built, over SSH; nothing means this computer',
    allowed: 'HOST, USER@HOST or USER@HOST:PORT, or nothing',
  }),
  'build.folder': words('.cache/zotbar/zot-source', /^[^\0\r\n]*[^\0\s][^\0\r\n]*$/, {
    words: 'The folder in which zot is built, there or here; it is made where it is not there',
    allowed: 'a path, absolute or from the home folder',
  }),
  'build.output': words(
    'bin/zot-{os}-{arch}',
    /^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))[^\0\r\n]*[^\0\s][^\0\r\n]*$/,
    {
      words:
        'The program that the recipe leaves, seen from its folder; {version}, {os} and {arch} are put in',
      allowed: 'a path within the folder',
    },
  ),
  'build.goVersion': words('', /^$|^\d[\w.]{0,29}$/, {
    words: 'The Go that zot is built with; nothing means the one that its release asks for',
    allowed: 'a version such as 1.25.7, or nothing',
  }),
  'build.minutes': count(30, 1, 1440, {
    how: 'now',
    words: 'How long a build of zot may take, in minutes',
  }),
}
