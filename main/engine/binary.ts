import { open } from 'node:fs/promises'
import { errorCode, reasonOf } from '../platform/error-code.ts'

export type BinaryCheck = { ok: true } | { ok: false; reason: string }

interface Machine {
  platform: NodeJS.Platform
  arch: string
}

/** ELF e_machine and Mach-O cputype of what Node calls the architecture. */
const elfMachines: Record<number, string> = { 62: 'x64', 183: 'arm64' }
const machTypes: Record<number, string> = { 16777223: 'x64', 16777228: 'arm64' }

/**
 * Whether a file is a program of this machine, by its first bytes; nothing of it is run. Never a script. `reason` is half
 * a sentence. ELF: elf(5); Mach-O: mach-o/loader.h and fat.h.
 */
export async function checkBinary(file: string, machine: Machine = process): Promise<BinaryCheck> {
  let head: Buffer
  try {
    head = await readHead(file)
  } catch (error) {
    return refuse(errorCode(error) === 'ENOENT' ? 'it does not exist' : reasonOf(error))
  }
  if (head.subarray(0, 2).toString('latin1') === '#!') return refuse('it is a script, not a program')
  const found = kindOf(head)
  if (found === undefined) return refuse('it is neither an ELF nor a Mach-O program')
  const wanted = machine.platform === 'darwin' ? 'Mach-O' : 'ELF'
  if (found.format !== wanted) return refuse(`it is ${found.format}, and this system runs ${wanted}`)
  if (!found.archs.includes(machine.arch))
    return refuse(`it is for ${found.archs.join(' and ')}, and this machine is ${machine.arch}`)
  return { ok: true }
}

const refuse = (reason: string): BinaryCheck => ({ ok: false, reason })

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file, 'r')
  try {
    if (!(await handle.stat()).isFile()) throw new Error('it is not a file')
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function kindOf(head: Buffer): { format: 'ELF' | 'Mach-O'; archs: string[] } | undefined {
  if (head.length < 32) return undefined
  const magic = head.readUInt32BE(0)
  if (magic === 0x7f454c46) {
    const little = head[5] === 1
    const machine = little ? head.readUInt16LE(18) : head.readUInt16BE(18)
    return { format: 'ELF', archs: [head[4] === 2 ? (elfMachines[machine] ?? other) : other] }
  }
  if (magic === 0xcffaedfe) return { format: 'Mach-O', archs: [machTypes[head.readUInt32LE(4)] ?? other] }
  // A universal program; a Java class begins the same and counts far more "architectures".
  if (magic === 0xcafebabe && head.readUInt32BE(4) <= 16) {
    const count = head.readUInt32BE(4)
    const archs = Array.from({ length: count }, (_, index) => 8 + index * 20)
      .filter(at => at + 4 <= head.length)
      .map(at => machTypes[head.readUInt32BE(at)] ?? other)
    return { format: 'Mach-O', archs }
  }
  return undefined
}

const other = 'another architecture'
