/** Finds out how a blob is compressed by its first bytes, as media types lie now and then, and unpacks it with node:zlib. */
import type { Transform } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2'

/** Bytes that tell. */
export const MAGIC_BYTES = 6

/** zstd may start with a skippable frame (0x184D2A50 to 5F). */
export function compressionOf(start: Uint8Array): Compression {
  const is = (...magic: number[]) => magic.every((byte, i) => start[i] === byte)
  if (is(0x1f, 0x8b, 0x08)) return 'gzip'
  if (is(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  if ((start[0]! & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18) return 'zstd'
  if (is(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)) return 'xz'
  if (is(0x42, 0x5a, 0x68)) return 'bzip2'
  return 'none'
}

/** Large pieces: each costs a turn of the event loop. Several members or frames after one another are one stream. */
export function createDecompressor(compression: 'gzip' | 'zstd'): Transform {
  const chunkSize = 1 << 18
  if (compression === 'gzip') return createGunzip({ chunkSize })
  // 128 MiB, zstd's own limit without --long, bounds what a hostile frame makes us hold.
  return createZstdDecompress({ chunkSize, params: { [constants.ZSTD_d_windowLogMax]: 27 } })
}
