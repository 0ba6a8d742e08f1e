#!/usr/bin/env node
// Stands for 1Password's command line: items are files below $OP_FAKE_STORE, and `mode` there says how it behaves.
// Every call is appended to `calls`: its arguments, and whether the key was among them is for the test to see.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const store = process.env.OP_FAKE_STORE
const args = process.argv.slice(2)
const mode = existsSync(join(store, 'mode')) ? readFileSync(join(store, 'mode'), 'utf8') : ''
appendFileSync(join(store, 'calls'), `${JSON.stringify(args)}\n`)

function fail(words) {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
  process.stderr.write(`[ERROR] ${stamp} ${words}\n`)
  process.exit(1)
}
const fileOf = (vault, item) => join(store, vault, `${item}.json`)
function itemOf(vault, item) {
  if (!existsSync(join(store, vault)))
    fail(`"${vault}" isn't a vault in this account. Specify the vault with its ID or name.`)
  const file = fileOf(vault, item)
  if (!existsSync(file))
    fail(`"${item}" isn't an item in the "${vault}" vault. Specify the item with its UUID, name, or domain.`)
  return JSON.parse(readFileSync(file, 'utf8'))
}

function refuseFirst() {
  switch (mode) {
    case 'signed-out':
      return fail('You are not currently signed in. Please run `op signin --help` for instructions')
    case 'not-signed-in':
      return fail('account is not signed in')
    case 'expired':
      return fail('session expired, sign in to create a new session')
    case 'no-accounts':
      return fail('No accounts configured for use with 1Password CLI.')
    case 'dismissed':
      return fail('authorization prompt dismissed, please try again')
    case 'timeout':
      return fail('authorization timeout')
    case 'no-app':
      return fail("connecting to desktop app: 1Password CLI couldn't connect to the 1Password desktop app.")
  }
}

async function main() {
  // It waits for somebody at the screen.
  if (mode === 'slow') await new Promise(resolve => setTimeout(resolve, 600_000))
  refuseFirst()
  if (args[0] === 'read') {
    const [vault, item, field] = args[1].replace('op://', '').split('/')
    const value = itemOf(vault, item)[field]
    if (value === undefined)
      fail(`could not read secret '${args[1]}': item '${vault}/${item}' does not have a field '${field}'`)
    return process.stdout.write(`${value}\n`)
  }
  if (args[0] === 'item' && args[1] === 'edit') {
    const [name, flag, vault, assignment] = args.slice(2)
    const [, field] = /^((?:[^.[\]=\\]|\\.)+)\[password\]=-$/.exec(assignment) ?? []
    if (flag !== '--vault' || field === undefined) fail(`unknown arguments: ${args.join(' ')}`)
    const item = itemOf(vault, name)
    const value = readFileSync(0, 'utf8')
    if (mode === 'refuses')
      fail(`403: Forbidden (You do not have permission to perform this action), you gave ${value}`)
    item[field.replaceAll('\\', '')] = mode === 'other' ? `${value} ` : value
    if (mode !== 'forgets') writeFileSync(fileOf(vault, name), JSON.stringify(item))
    return process.stdout.write(`ID: abc\nTitle: ${name}\nFields:\n  ${field}: ${value}\n`)
  }
  fail(`unknown command "${args.join(' ')}" for "op"`)
}

mkdirSync(store, { recursive: true })
await main()
