/** Where a loaded image's files come from: a directory, or a tar that is read in place. */
import { closeSync, createWriteStream, fstatSync, openSync, readSync } from 'node:fs'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { openBeneath } from '../sys/libc.ts'
import { invalid } from './config.ts'
import { type Compression, compressionOf, createDecompressor, MAGIC_BYTES } from './unpack/decompress.ts'
import { filterThrough } from './unpack/filter.ts'
import { BLOCK, TarError } from './unpack/tar-header.ts'
import { TarReader } from './unpack/tar-reader.ts'

/** A run of bytes in an open file. */
export interface FileRange {
  readonly fd: number
  readonly offset: number
  readonly length: number
}

export interface ImageFiles extends Disposable {
  /** Undefined when there is no such file. */
  locate(name: string): FileRange | undefined
}

/** The whole file, which must be there and not larger than `maxBytes`. */
export function readDocument(files: ImageFiles, name: string, maxBytes: number): Buffer {
  const range = files.locate(name)
  if (range === undefined) throw invalid(`${name} is missing`)
  if (range.length > maxBytes) throw invalid(`${name} is larger than ${maxBytes} bytes`)
  const bytes = Buffer.alloc(range.length)
  for (let at = 0; at < bytes.length; ) {
    const got = readSync(range.fd, bytes, at, bytes.length - at, range.offset + at)
    if (got === 0) throw invalid(`${name} is cut short`)
    at += got
  }
  return bytes
}

/**
 * An OCI layout directory, of whatever origin: nothing but regular files is opened, and nothing that a link has outside of
 * the directory. Opening a FIFO would wait, and opening a device can do anything.
 */
export function filesOfDirectory(directory: string): ImageFiles {
  const open = new Map<string, FileRange>()
  const top = openSync(directory, O_PATH)
  return {
    locate(name) {
      const known = open.get(name)
      if (known) return known
      const found = findBeneath(top, name)
      if (found === undefined) return undefined
      try {
        if (!fstatSync(found).isFile()) throw invalid(`${name} is no regular file`)
        const fd = openSync(`/proc/self/fd/${found}`, 'r')
        const range = { fd, offset: 0, length: fstatSync(fd).size }
        open.set(name, range)
        return range
      } finally {
        closeSync(found)
      }
    },
    [Symbol.dispose]() {
      closeSync(top)
      for (const { fd } of open.values()) closeSync(fd)
    },
  }
}

/** Source: open(2): a file descriptor that only names what it leads to. */
const O_PATH = 0o10000000

function findBeneath(top: number, name: string): number | undefined {
  try {
    return openBeneath(top, posix.normalize(name).replace(/^\/+/, ''), O_PATH)
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'EXDEV') throw invalid(`${name} is a link out of the directory`)
    if (code === 'ELOOP') throw invalid(`${name} is a link that leads nowhere`)
    throw error
  }
}

/** Links followed at most: docker's old archives have one per repeated layer. */
const LINKS_MAX = 8

/** A tar in a file that can be read at any place: its headers are read once, its data is passed over. */
export function filesOfTar(fd: number): ImageFiles {
  const ranges = new Map<string, FileRange>()
  const links = new Map<string, string>()
  const size = fstatSync(fd).size
  let at = 0
  const reader = new TarReader({
    entry(entry) {
      const name = posix.normalize(Buffer.from(entry.path, 'latin1').toString('utf8')).replace(/^\/+/, '')
      const target = Buffer.from(entry.linkPath, 'latin1').toString('utf8')
      // `at` is where the header's block ends, as blocks are pushed one by one.
      if (entry.type === 'file' && !entry.sparse) ranges.set(name, { fd, offset: at, length: entry.size })
      else if (entry.type === 'symlink') links.set(name, posix.normalize(posix.join(posix.dirname(name), target)))
      else if (entry.type === 'link') links.set(name, posix.normalize(target))
    },
    data() {},
    end() {},
  })
  const block = Buffer.alloc(BLOCK)
  while (at < size) {
    const got = readSync(fd, block, 0, BLOCK, at)
    at += got
    if (got < BLOCK) throw new TarError('the archive is cut short')
    reader.push(block)
    at += reader.skippable
    reader.skip()
    if (reader.hasEnded) break
  }
  if (at > size) throw new TarError('the archive is cut short')
  reader.finish()
  return {
    locate(name) {
      let to = posix.normalize(name).replace(/^\/+/, '')
      for (let i = 0; i < LINKS_MAX; i++) {
        const range = ranges.get(to)
        if (range) return range
        const next = links.get(to)
        if (next === undefined) return undefined
        to = next
      }
      return undefined
    },
    [Symbol.dispose]() {},
  }
}

/** The compression of an open file, by its first bytes. */
export function compressionOfFile(fd: number): Compression {
  const start = Buffer.alloc(MAGIC_BYTES)
  const got = readSync(fd, start, 0, MAGIC_BYTES, 0)
  return compressionOf(start.subarray(0, got))
}

/** Copies a stream to a new file, uncompressed, so that it can be read at any place. */
export async function spool(source: Readable, path: string, signal: AbortSignal | undefined): Promise<void> {
  const plain = await uncompressed(source)
  await pipeline(plain, createWriteStream(path, { mode: 0o600, flags: 'wx' }), signal ? { signal } : {})
}

/** The stream's content whatever its compression: gzip and zstd by node:zlib, xz and bzip2 by their programs. */
export async function uncompressed(source: Readable): Promise<AsyncIterable<Buffer>> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const start: Buffer[] = []
  let length = 0
  while (length < MAGIC_BYTES) {
    const next = await chunks.next()
    if (next.done) break
    start.push(next.value)
    length += next.value.length
  }
  async function* whole(): AsyncGenerator<Buffer, void> {
    try {
      yield* start
      for (;;) {
        const next = await chunks.next()
        if (next.done) return
        yield next.value
      }
    } finally {
      source.destroy()
    }
  }
  if (length === 0) throw new KubeError('ImageInvalid', 'it is empty')
  const compression = compressionOf(Buffer.concat(start))
  if (compression === 'none') return whole()
  if (compression === 'xz' || compression === 'bzip2') return filterThrough(compression, whole())
  return inflated(whole(), compression)
}

async function* inflated(bytes: AsyncIterable<Buffer>, compression: 'gzip' | 'zstd'): AsyncGenerator<Buffer, void> {
  const transform = createDecompressor(compression)
  // The failure also reaches whoever reads the transform.
  pipeline(bytes, transform).catch(() => {})
  try {
    for await (const piece of transform as AsyncIterable<Buffer>) yield piece
  } catch (error) {
    const code = errnoOf(error)
    if (code !== undefined && /^(?:Z_|ZSTD_|ERR_)/.test(code))
      throw new KubeError('ImageInvalid', 'damaged compressed data', { cause: error })
    throw error
  } finally {
    transform.destroy()
  }
}
