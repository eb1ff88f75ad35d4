/** The contents of one regular file of an archive, with its holes where it is sparse. */
import { ftruncateSync, writeSync } from 'node:fs'
import { TarError } from './tar-header.ts'
import { show, type TarEntry } from './tar-reader.ts'
import { type SparseChunk, SparseMapReader } from './tar-sparse.ts'

export class FileWriter {
  /** Open for writing; whoever opened it closes it. */
  readonly fd: number
  readonly #entry: TarEntry
  readonly #mapReader: SparseMapReader | undefined
  #map: readonly SparseChunk[] | undefined
  #chunk = 0
  #chunkDone = 0
  #written = 0

  constructor(fd: number, entry: TarEntry) {
    this.fd = fd
    this.#entry = entry
    this.#map = entry.sparse?.map
    this.#mapReader = entry.sparse && !entry.sparse.map ? new SparseMapReader(entry.sparse.realSize) : undefined
  }

  /** Bytes so far, holes not counted. */
  get written(): number {
    return this.#written
  }

  /** The next bytes of the entry's data. */
  write(bytes: Uint8Array): void {
    if (this.#entry.sparse) this.#sparseData(bytes)
    else this.#place(bytes, null)
  }

  /** All data is there: a hole at the end has none. */
  finish(): void {
    if (this.#entry.sparse) ftruncateSync(this.fd, this.#entry.sparse.realSize)
  }

  #place(bytes: Uint8Array, position: number | null): void {
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(this.fd, bytes, at, bytes.length - at, position === null ? null : position + at)
    }
    this.#written += bytes.length
  }

  #sparseData(bytes: Uint8Array): void {
    let at = 0
    if (this.#mapReader) {
      at = this.#mapReader.push(bytes)
      if (!this.#mapReader.map) return
      this.#map = this.#mapReader.map
    }
    while (at < bytes.length) {
      const chunk = this.#map?.[this.#chunk]
      if (chunk === undefined)
        throw new TarError(`entry ${show(this.#entry.path)}: more data than its sparse map tells of`)
      const take = Math.min(chunk.length - this.#chunkDone, bytes.length - at)
      if (take > 0) this.#place(bytes.subarray(at, at + take), chunk.offset + this.#chunkDone)
      at += take
      this.#chunkDone += take
      if (this.#chunkDone === chunk.length) {
        this.#chunk++
        this.#chunkDone = 0
      }
    }
  }
}
