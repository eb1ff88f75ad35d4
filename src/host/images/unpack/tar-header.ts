/** One 512-byte tar header: ustar, pax, old GNU and v7. Names are "binary strings" (one character per byte), as tar knows no encoding. */

/** What is wrong with an archive; the unpacker turns it into code `LayerInvalid`. */
export class TarError extends Error {
  override readonly name = 'TarError'
}

export const BLOCK = 512

export interface TarHeader {
  readonly name: string
  readonly linkName: string
  /** The type flag's character; NUL is read as `0`. */
  readonly flag: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of data that follow, without the padding to the next block. */
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
  readonly devMajor: number
  readonly devMinor: number
}

function text(block: Uint8Array, offset: number, length: number): string {
  let end = offset
  while (end < offset + length && block[end] !== 0) end++
  return latin1(block.subarray(offset, end))
}

/** Bytes as a binary string. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** An octal number padded with spaces or NULs, or GNU's base-256 with the first bit set (two's complement, big endian). */
export function tarNumber(block: Uint8Array, offset: number, length: number, what: string): number {
  const first = block[offset]!
  if (first & 0x80) {
    let value = first & 0x40 ? -1n : 0n
    value = (value << 6n) | BigInt(first & 0x3f)
    for (let i = offset + 1; i < offset + length; i++) value = (value << 8n) | BigInt(block[i]!)
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw new TarError(`its ${what} is out of range`)
    return number
  }
  const digits = text(block, offset, length).trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw new TarError(`its ${what} is not a number`)
  return Number.parseInt(digits, 8)
}

/** Old tars summed signed characters, so both sums are good. */
function checksumMatches(block: Uint8Array): boolean {
  let unsigned = 0
  let signed = 0
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 32 : block[i]!
    unsigned += byte
    signed += byte < 128 ? byte : byte - 256
  }
  const stored = tarNumber(block, 148, 8, 'checksum')
  return stored === unsigned || stored === signed
}

export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false
  return true
}

/** Throws TarError for what is no tar header. */
export function parseHeader(block: Uint8Array): TarHeader {
  let good = false
  try {
    good = checksumMatches(block)
  } catch {
    // A checksum field that is no number is a wrong checksum.
  }
  if (!good) throw new TarError('not a tar archive, or a damaged one (header checksum)')
  const ustar = latin1(block.subarray(257, 263)) === 'ustar\0'
  const prefix = ustar ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  const flag = block[156] === 0 ? '0' : String.fromCharCode(block[156]!)
  const isDevice = flag === '3' || flag === '4'
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    flag,
    mode: tarNumber(block, 100, 8, 'mode') & 0o7777,
    uid: tarNumber(block, 108, 8, 'owner'),
    gid: tarNumber(block, 116, 8, 'group'),
    size: tarNumber(block, 124, 12, 'size'),
    mtime: tarNumber(block, 136, 12, 'modification time'),
    devMajor: isDevice ? tarNumber(block, 329, 8, 'device number') : 0,
    devMinor: isDevice ? tarNumber(block, 337, 8, 'device number') : 0,
  }
}

/** pax records, `LENGTH KEY=VALUE\n` each, in order (GNU's sparse format 0.0 repeats keys). Values are binary strings. */
export function parsePax(data: Uint8Array): [key: string, value: string][] {
  const records: [string, string][] = []
  const all = latin1(data)
  for (let at = 0; at < all.length; ) {
    // Some writers pad the block with NULs.
    if (all.charCodeAt(at) === 0) break
    const space = all.indexOf(' ', at)
    const lengthText = space < 0 ? '' : all.slice(at, space)
    const length = Number(lengthText)
    if (!/^[1-9][0-9]{0,9}$/.test(lengthText) || at + length > all.length || all[at + length - 1] !== '\n') {
      throw new TarError('a pax header is damaged')
    }
    const record = all.slice(space + 1, at + length - 1)
    const equals = record.indexOf('=')
    if (equals < 1) throw new TarError('a pax header is damaged')
    records.push([record.slice(0, equals), record.slice(equals + 1)])
    at += length
  }
  return records
}
