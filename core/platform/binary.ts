import { open } from 'node:fs/promises'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { extentOf } from './binary-extent.ts'

export type BinaryCheck = { ok: true } | { ok: false; reason: string }

interface Machine {
  platform: NodeJS.Platform
  arch: string
}

/** ELF e_machine and Mach-O cputype of what Node calls the architecture. */
const elfMachines: Record<number, string> = { 62: 'x64', 183: 'arm64' }
const machTypes: Record<number, string> = { 16777223: 'x64', 16777228: 'arm64' }

/**
 * Whether a file is a whole program of this machine, by its headers; nothing of it is run. Never a script. `reason` is
 * half a sentence. ELF: elf(5); Mach-O: mach-o/loader.h and fat.h.
 */
export async function checkBinary(file: string, machine: Machine = process): Promise<BinaryCheck> {
  let head: Buffer
  let size: number
  try {
    ;({ head, size } = await readHead(file))
  } catch (error) {
    return refuse(errorCode(error) === 'ENOENT' ? 'it does not exist' : reasonOf(error))
  }
  const format = kindOf(head)
  if (format === undefined) {
    const otherFormat = otherKind(head)
    return refuse(
      otherFormat === undefined ? 'it is neither an ELF nor a Mach-O program' : `it is ${otherFormat}`,
    )
  }
  const wanted = machine.platform === 'darwin' ? 'Mach-O' : 'ELF'
  if (format.format !== wanted) return refuse(`it is ${format.format}, and this system runs ${wanted}`)
  if (!format.archs.includes(machine.arch))
    return refuse(`it is for ${format.archs.join(' and ')}, and this machine is ${machine.arch}`)
  const extent = extentOf(head)
  if (size < extent) return refuse(`it is cut off: ${size} of at least ${extent} bytes are there`)
  return { ok: true }
}

/** What people hand over instead of a program, by its first bytes. */
function otherKind(head: Buffer): string | undefined {
  if (head.length === 0) return 'empty'
  const starts = (bytes: string, at = 0): boolean =>
    head.subarray(at, at + bytes.length).toString('latin1') === bytes
  const match = otherKinds.find(([bytes, , at]) => starts(bytes, at))
  if (match !== undefined) return match[1]
  const text = head.toString('latin1').trimStart().toLowerCase()
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return 'an HTML page'
  return text.startsWith('<?xml') || text.startsWith('{') ? 'a text file' : undefined
}

/** First bytes, what they are, and where they stand if not at the beginning. */
const otherKinds: [string, string, number?][] = [
  ['#!', 'a script'],
  ['\x1f\x8b', 'a gzip archive'],
  ['PK\x03\x04', 'a zip archive'],
  ['PK\x05\x06', 'a zip archive'],
  ['ustar', 'a tar archive', 257],
  ['\xfd7zXZ\0', 'an xz archive'],
  ['BZh', 'a bzip2 archive'],
  ['\x28\xb5\x2f\xfd', 'a zstd archive'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['!<arch>\n', 'an ar archive or a Debian package'],
  ['MZ', 'a Windows program'],
]

const refuse = (reason: string): BinaryCheck => ({ ok: false, reason })

/** Enough for the headers of any program. */
const headBytes = 32 * 1024

async function readHead(file: string): Promise<{ head: Buffer; size: number }> {
  const handle = await open(file, 'r')
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new Error('it is not a file')
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return { head: buffer.subarray(0, bytesRead), size: stats.size }
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
