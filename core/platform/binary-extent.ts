/**
 * How many bytes a program's file must have at least for what its headers say is in it; 0 where they say nothing. A
 * download that broke off has fewer. ELF: elf(5), the program headers; Mach-O: mach-o/loader.h, LC_SEGMENT_64.
 * @param head the beginning of the file, with its headers
 */
export function extentOf(head: Buffer): number {
  if (head.length < 64) return 0
  if (head.readUInt32BE(0) === 0x7f454c46 && head[4] === 2 && head[5] === 1) return elfExtent(head)
  return head.readUInt32BE(0) === 0xcffaedfe ? machExtent(head) : 0
}

function elfExtent(head: Buffer): number {
  const [start, size, count] = [numberAt(head, 32), head.readUInt16LE(54), head.readUInt16LE(56)]
  let end = 0
  for (let at = start; size >= 56 && at < start + count * size && at + 56 <= head.length; at += size)
    end = Math.max(end, numberAt(head, at + 8) + numberAt(head, at + 32))
  return end
}

const segment64 = 0x19

function machExtent(head: Buffer): number {
  const commands = head.readUInt32LE(16)
  let end = 0
  for (let index = 0, at = 32; index < commands && at + 56 <= head.length; index += 1) {
    const size = head.readUInt32LE(at + 4)
    if (head.readUInt32LE(at) === segment64)
      end = Math.max(end, numberAt(head, at + 40) + numberAt(head, at + 48))
    if (size < 8) break
    at += size
  }
  return end
}

const numberAt = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at))
