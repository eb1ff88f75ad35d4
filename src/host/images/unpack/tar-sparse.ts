/** Sparse files in tar: GNU's old format (type S) and the pax formats 0.0, 0.1 and 1.0. Source: the GNU tar manual, "Storing Sparse Files". */
import { BLOCK, TarError, tarNumber } from './tar-header.ts'

export interface SparseChunk {
  /** Where in the file the next `length` bytes of data go. */
  readonly offset: number
  readonly length: number
}

export interface Sparse {
  /** Bytes of the file with its holes. */
  readonly realSize: number
  /** Absent in format 1.0, which puts it before the data. */
  readonly map?: readonly SparseChunk[]
  readonly name?: string
}

function checked(map: readonly SparseChunk[], realSize: number): readonly SparseChunk[] {
  let end = 0
  for (const chunk of map) {
    if (
      !Number.isSafeInteger(chunk.offset) ||
      !Number.isSafeInteger(chunk.length) ||
      chunk.length < 0 ||
      chunk.offset < end
    ) {
      throw new TarError('a sparse map is damaged')
    }
    end = chunk.offset + chunk.length
  }
  if (!Number.isSafeInteger(end) || !Number.isSafeInteger(realSize) || end > realSize)
    throw new TarError('a sparse map is damaged')
  return map
}

function pairs(numbers: readonly number[]): SparseChunk[] {
  const map: SparseChunk[] = []
  for (let i = 0; i + 1 < numbers.length; i += 2) map.push({ offset: numbers[i]!, length: numbers[i + 1]! })
  return map
}

function natural(text: string): number {
  if (!/^[0-9]{1,16}$/.test(text)) throw new TarError('a sparse map is damaged')
  return Number(text)
}

/** The header block holds four pieces of 24 bytes from 386 and the real size at 483; each extension block 21 pieces. */
export function sparseFromGnuHeader(blocks: readonly Uint8Array[]): Sparse {
  const first = blocks[0]!
  const map: SparseChunk[] = []
  blocks.forEach((block, index) => {
    const start = index === 0 ? 386 : 0
    const count = index === 0 ? 4 : 21
    for (let i = 0; i < count; i++) {
      const at = start + i * 24
      if (block[at] === 0) break
      map.push({ offset: tarNumber(block, at, 12, 'sparse map'), length: tarNumber(block, at + 12, 12, 'sparse map') })
    }
  })
  const realSize = tarNumber(first, 483, 12, 'size')
  return { realSize, map: checked(map, realSize) }
}

/** Undefined when the records describe no sparse file. */
export function sparseFromPax(pax: readonly (readonly [string, string])[]): Sparse | undefined {
  let realSize: number | undefined
  let map: readonly SparseChunk[] | undefined
  let name: string | undefined
  let isVersion1 = false
  const repeated: number[] = []
  for (const [key, value] of pax) {
    if (!key.startsWith('GNU.sparse.')) continue
    if (key === 'GNU.sparse.realsize' || key === 'GNU.sparse.size') realSize = natural(value)
    else if (key === 'GNU.sparse.name') name = value
    else if (key === 'GNU.sparse.major') isVersion1 = value === '1'
    else if (key === 'GNU.sparse.map') map = pairs(value.split(',').map(natural))
    else if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') repeated.push(natural(value))
  }
  if (realSize === undefined) return undefined
  const named = name === undefined ? {} : { name }
  if (isVersion1) return { realSize, ...named }
  return { realSize, map: checked(map ?? pairs(repeated), realSize), ...named }
}

/** Format 1.0's map: decimal numbers, one per line, padded to whole blocks, before the data. Fed until `done`. */
export class SparseMapReader {
  readonly #realSize: number
  #text = ''
  #consumed = 0
  #blockSpace = 0
  #numbers: number[] = []
  #map: readonly SparseChunk[] | undefined

  constructor(realSize: number) {
    this.#realSize = realSize
  }

  get map(): readonly SparseChunk[] | undefined {
    return this.#map
  }

  /** Takes what it needs from `bytes`; returns how many that were. */
  push(bytes: Uint8Array): number {
    let at = 0
    while (at < bytes.length) {
      if (this.#map !== undefined && this.#blockSpace === 0) return at
      if (this.#map !== undefined) {
        const skipped = Math.min(this.#blockSpace, bytes.length - at)
        this.#blockSpace -= skipped
        at += skipped
        continue
      }
      const character = String.fromCharCode(bytes[at++]!)
      this.#consumed++
      if (character !== '\n') {
        this.#text += character
        if (this.#text.length > 20) throw new TarError('a sparse map is damaged')
        continue
      }
      this.#numbers.push(natural(this.#text))
      this.#text = ''
      if (this.#numbers[0]! > 1 << 20) throw new TarError('a sparse map is too long')
      if (this.#numbers.length === 1 + 2 * this.#numbers[0]!) {
        this.#map = checked(pairs(this.#numbers.slice(1)), this.#realSize)
        this.#blockSpace = (BLOCK - (this.#consumed % BLOCK)) % BLOCK
      }
    }
    return at
  }
}
