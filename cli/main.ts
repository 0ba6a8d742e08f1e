import { cacheCompiledCode } from '../lib/compile-cache.ts'
import { findControlSocket, resolveHome } from '../lib/home.ts'

// Whatever is created here is for this user alone.
process.umask(0o077)
// Everything else is loaded after the compile cache is on: it works only for what comes later.
const home = resolveHome()
cacheCompiledCode(home)
const { runCli } = await import('./program.ts')

// `zotbar logs | head` closes the pipe early: nobody reads any more, so there is nothing left to do. The core goes on.
process.stdout.on('error', error => {
  if (process.argv[2] !== 'start') process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1)
})
const code = await runCli(process.argv.slice(2), home, findControlSocket(home).path)
// A pipe takes 64 KB at a time: leaving before its reader has the rest would cut the answer off.
process.stdout.write('', () => process.exit(code))
