/**
 * Reads a tar stream pushed into it, synchronously, so that whoever consumes the entries sets the pace. tar-stream decodes
 * pax values as UTF-8, which breaks binary extended attributes (security.capability), and mangles names in other
 * encodings; hence a reader of our own.
 */
import { BLOCK, isZeroBlock, parseHeader, parsePax, TarError, type TarHeader } from './tar-header.ts'
import { type SparseChunk, sparseFromGnuHeader, sparseFromPax } from './tar-sparse.ts'

export type TarEntryType = 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo'

export interface TarEntry {
  readonly type: TarEntryType
  /** Binary strings: one character per byte. Not cleaned: may be absolute or hold `..`. */
  readonly path: string
  readonly linkPath: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of data in the archive. */
  readonly size: number
  /** Seconds since 1970, with fraction. */
  readonly mtime: number
  readonly devMajor: number
  readonly devMinor: number
  /** Name to value, as binary strings. */
  readonly xattrs: ReadonlyMap<string, string>
  /** For a sparse file, where its data goes; `map` when that is known before the data. */
  readonly sparse?: { readonly realSize: number; readonly map?: readonly SparseChunk[] }
}

export interface TarSink {
  entry(entry: TarEntry): void
  /** A part of the current entry's data. The bytes are only good during the call. */
  data(bytes: Uint8Array): void
  /** The current entry is complete. */
  end(): void
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
  D: 'dir',
}
/** Bytes of one pax or GNU long name header. Go's reader has the same limit. */
const EXTENSION_MAX = 1 << 20
const NO_XATTRS: ReadonlyMap<string, string> = new Map()
const XATTR_PREFIX = 'SCHILY.xattr.'

function decimal(value: string, what: string): number {
  if (!/^-?[0-9]+(?:\.[0-9]*)?$/.test(value)) throw new TarError(`its ${what} is not a number`)
  return Number(value)
}

type State = 'header' | 'extension' | 'gnuSparse' | 'data' | 'padding' | 'ended'

export class TarReader {
  readonly #sink: TarSink
  #state: State = 'header'
  #entries = 0
  /** Collects a header or an extension that arrives in pieces. */
  #held: Uint8Array = new Uint8Array(BLOCK)
  #heldLength = 0
  #wanted = BLOCK
  #remaining = 0
  #padding = 0
  #header: TarHeader | undefined
  #sparseHeaders: Uint8Array[] = []
  #globalPax: [string, string][] = []
  #pax: [string, string][] = []
  #longName: string | undefined
  #longLink: string | undefined

  constructor(sink: TarSink) {
    this.#sink = sink
  }

  /** Entries so far. */
  get entries(): number {
    return this.#entries
  }

  /** Whether the end mark was read: what follows means nothing. */
  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Bytes of file data and padding that come next and can be passed over with `skip`. */
  get skippable(): number {
    if (this.#state === 'data') return this.#remaining + this.#padding
    return this.#state === 'padding' ? this.#padding : 0
  }

  /** Passes over all that `skippable` counted, for a reader that can seek. */
  skip(): void {
    if (this.#state === 'data') this.#endData()
    if (this.#state === 'padding') {
      this.#padding = 0
      this.#expectHeader()
    }
  }

  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'header':
        case 'extension':
        case 'gnuSparse': {
          const take = Math.min(this.#wanted - this.#heldLength, bytes.length - at)
          this.#held.set(bytes.subarray(at, at + take), this.#heldLength)
          this.#heldLength += take
          at += take
          if (this.#heldLength === this.#wanted) this.#whole()
          break
        }
        case 'data': {
          const take = Math.min(this.#remaining, bytes.length - at)
          this.#sink.data(bytes.subarray(at, at + take))
          this.#remaining -= take
          at += take
          if (this.#remaining === 0) this.#endData()
          break
        }
        case 'padding': {
          const take = Math.min(this.#padding, bytes.length - at)
          this.#padding -= take
          at += take
          if (this.#padding === 0) this.#expectHeader()
          break
        }
        case 'ended':
          return
      }
    }
  }

  /** The stream is at its end; throws when that is in the middle of an entry. */
  finish(): void {
    if (this.#state === 'ended') return
    const between =
      this.#state === 'header' && this.#heldLength === 0 && this.#pax.length === 0 && this.#longName === undefined
    const isNone = this.#state === 'header' && this.#entries === 0 && this.#header === undefined && this.#heldLength > 0
    if (isNone) throw new TarError('not a tar archive')
    // The last file's padding may be cut off by simple writers.
    if (!between && this.#state !== 'padding') throw new TarError('the archive is cut short')
  }

  #expect(state: 'header' | 'extension' | 'gnuSparse', bytes: number): void {
    this.#state = state
    this.#wanted = bytes
    this.#heldLength = 0
    if (this.#held.length < bytes || this.#held.length > 64 * BLOCK) this.#held = new Uint8Array(Math.max(bytes, BLOCK))
  }

  #expectHeader(): void {
    this.#expect('header', BLOCK)
  }

  #whole(): void {
    const held = this.#held.subarray(0, this.#wanted)
    if (this.#state === 'header') this.#atHeader(held)
    else if (this.#state === 'extension') this.#atExtension(held)
    else this.#atSparseBlock(held)
  }

  #atHeader(block: Uint8Array): void {
    if (isZeroBlock(block)) {
      this.#state = 'ended'
      return
    }
    const header = parseHeader(block)
    if (header.size < 0) throw new TarError(`entry ${show(header.name)}: its size is negative`)
    this.#header = header
    switch (header.flag) {
      case 'x':
      case 'X':
      case 'g':
      case 'L':
      case 'K':
        if (header.size > EXTENSION_MAX) throw new TarError('an extended header is larger than 1 MiB')
        if (header.size === 0) this.#expectHeader()
        else this.#expect('extension', Math.ceil(header.size / BLOCK) * BLOCK)
        return
      case 'S':
        this.#sparseHeaders = [Uint8Array.from(block)]
        if (block[482] === 1) this.#expect('gnuSparse', BLOCK)
        else this.#beginEntry()
        return
      default:
        this.#beginEntry()
    }
  }

  #atExtension(held: Uint8Array): void {
    const header = this.#header!
    const data = held.subarray(0, header.size)
    if (header.flag === 'g') this.#globalPax = [...this.#globalPax, ...parsePax(data)].slice(-1024)
    else if (header.flag === 'x' || header.flag === 'X') this.#pax = parsePax(data)
    else {
      const end = data.indexOf(0)
      const name = Buffer.from(end < 0 ? data : data.subarray(0, end)).toString('latin1')
      if (header.flag === 'L') this.#longName = name
      else this.#longLink = name
    }
    this.#expectHeader()
  }

  #atSparseBlock(block: Uint8Array): void {
    this.#sparseHeaders.push(Uint8Array.from(block))
    // A map of 64 K blocks describes more than a million pieces.
    if (this.#sparseHeaders.length > 65536) throw new TarError('a sparse map is too long')
    if (block[504] === 1) this.#expect('gnuSparse', BLOCK)
    else this.#beginEntry()
  }

  #beginEntry(): void {
    const header = this.#header!
    const entry = this.#entryOf(header)
    this.#pax = []
    this.#longName = undefined
    this.#longLink = undefined
    this.#sparseHeaders = []
    if (entry === undefined) {
      // A volume label or the like: nothing to make, but its data must be passed over.
      this.#remaining = 0
      this.#padding = Math.ceil(header.size / BLOCK) * BLOCK
      this.#state = 'padding'
      if (this.#padding === 0) this.#expectHeader()
      return
    }
    this.#entries++
    this.#remaining = entry.size
    this.#padding = (BLOCK - (entry.size % BLOCK)) % BLOCK
    this.#sink.entry(entry)
    this.#state = 'data'
    if (this.#remaining === 0) this.#endData()
  }

  #endData(): void {
    this.#sink.end()
    this.#remaining = 0
    this.#state = 'padding'
    if (this.#padding === 0) this.#expectHeader()
  }

  #entryOf(header: TarHeader): TarEntry | undefined {
    if (header.flag === 'V') return undefined
    const pax = this.#globalPax.length === 0 ? this.#pax : [...this.#globalPax, ...this.#pax]
    let path = this.#longName ?? header.name
    let linkPath = this.#longLink ?? header.linkName
    let { size, uid, gid, mtime } = header
    let xattrs: Map<string, string> | undefined
    for (const [key, value] of pax) {
      if (key === 'path') path = value
      else if (key === 'linkpath') linkPath = value
      else if (key === 'size') size = decimal(value, 'size')
      else if (key === 'uid') uid = decimal(value, 'owner')
      else if (key === 'gid') gid = decimal(value, 'group')
      else if (key === 'mtime') mtime = decimal(value, 'modification time')
      else if (key.startsWith(XATTR_PREFIX)) {
        xattrs ??= new Map()
        xattrs.set(key.slice(XATTR_PREFIX.length), value)
      }
    }
    const at = `entry ${show(path)}`
    const isSlashed = header.flag === '0' && path.endsWith('/')
    const type = isSlashed ? 'dir' : TYPES[header.flag]
    if (type === undefined) throw new TarError(`${at}: unknown type ${JSON.stringify(header.flag)}`)
    if (path.includes('\0') || linkPath.includes('\0')) throw new TarError(`${at}: its name holds a NUL`)
    // Only files have data; writers disagree on what size means for the rest.
    if (type !== 'file') size = header.flag === 'D' ? size : 0
    if (!Number.isSafeInteger(size) || size < 0) throw new TarError(`${at}: its size is out of range`)
    for (const id of [uid, gid]) {
      if (!Number.isInteger(id) || id < 0 || id > 0xfffffffe) throw new TarError(`${at}: its owner is out of range`)
    }
    if (!Number.isFinite(mtime)) throw new TarError(`${at}: its modification time is out of range`)
    const sparse = header.flag === 'S' ? sparseFromGnuHeader(this.#sparseHeaders) : sparseFromPax(pax)
    return {
      type,
      path: sparse?.name ?? path,
      linkPath,
      mode: header.mode,
      uid,
      gid,
      size,
      // What file systems can keep; some clamp it further.
      mtime: Math.min(Math.max(mtime, -(2 ** 31)), 2 ** 34),
      devMajor: header.devMajor,
      devMinor: header.devMinor,
      xattrs: xattrs ?? NO_XATTRS,
      ...(sparse && type === 'file' ? { sparse } : {}),
    }
  }
}

/** A binary string for a message: as UTF-8, quoted, control characters escaped. */
export function show(name: string): string {
  return JSON.stringify(Buffer.from(name, 'latin1').toString('utf8'))
}
