// node --import electron-hooks.mjs dist/main/main.mjs: the app's entry on plain Node, with a stand-in for Electron.
import { registerHooks } from 'node:module'

const standIn = new URL('./electron-module.ts', import.meta.url).href
registerHooks({
  resolve: (name, context, next) =>
    name === 'electron' ? { url: standIn, shortCircuit: true } : next(name, context),
})
