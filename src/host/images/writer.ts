/**
 * Adds to the store: unpacks layers in a directory of its own and makes each visible by one rename, then the image by one
 * transaction. A crash at any moment leaves only what `prune` takes away.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KubeError } from '../../diagnostic.ts'
import { removeTree } from '../sys/remove-tree.ts'
import { hasDirectory } from './catalog.ts'
import { parseConfig } from './config.ts'
import { explainFailure } from './explain-failure.ts'
import { HeldLock } from './held-lock.ts'
import type { IndexDb } from './index-db.ts'
import { blobPath, type Layout } from './layout.ts'
import { removeScratch } from './scratch.ts'
import type { Digest, Image } from './types.ts'
import { type LayerSource, Unpacker } from './unpack/unpacker.ts'

/** Milliseconds between two looks at a lock that another process holds while it makes the same layer. */
const LOCK_POLL_MS = 50

export interface NewLayer {
  readonly source: LayerSource
  /** What its tar must hash to; absent when that is what one wants to know (import). */
  readonly diffId?: Digest
  /** What the bytes as they come must hash to, when the caller has not checked that. */
  readonly blobDigest?: Digest
  readonly onProgress?: (doneBytes: number) => void
  readonly signal?: AbortSignal | undefined
}

export interface NewImage {
  readonly config: Buffer
  readonly manifest?: Buffer
  /** Normalized, asked for by somebody. */
  readonly references: readonly string[]
  /** `name@digest` known from a pull. */
  readonly implied?: readonly string[]
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export class ImageWriter implements AsyncDisposable {
  readonly #layout: Layout
  readonly #db: IndexDb
  readonly #unpacker = new Unpacker()
  readonly #lock: HeldLock
  readonly #directory: string
  /** Of what killed commands left. */
  readonly #cleaning: Promise<void>
  #staged = 0

  constructor(layout: Layout, db: IndexDb) {
    this.#layout = layout
    this.#db = db
    for (;;) {
      const id = randomBytes(8).toString('hex')
      const lock = HeldLock.take(join(layout.locks, id))
      if (lock === undefined) continue
      this.#lock = lock
      this.#directory = join(layout.tmp, id)
      mkdirSync(this.#directory, { mode: 0o700 })
      this.#cleaning = removeScratch(layout)
      return
    }
  }

  /** A directory for temporary files, gone with this writer. */
  get directory(): string {
    return this.#directory
  }

  /** Starts what unpacking needs while the caller waits for something else. */
  warmUp(): void {
    this.#unpacker.warmUp()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unpacker[Symbol.asyncDispose]()
    await removeTree(this.#directory)
    await this.#cleaning
    this.#lock[Symbol.dispose]()
  }

  /** Its files too: what records say may have been lost since. */
  hasLayer(diffId: Digest): boolean {
    const layer = this.#db.layer(diffId)
    return layer !== undefined && hasDirectory(this.#layout, layer)
  }

  /**
   * Runs `make` with this layer reserved among all processes, unless it is there already, perhaps because another process
   * has just made it. Returns whether `make` ran.
   */
  async reserveLayer(diffId: Digest, make: () => Promise<unknown>, signal?: AbortSignal): Promise<boolean> {
    const path = join(this.#layout.locks, `layer-${diffId.slice(7, 39)}`)
    for (;;) {
      if (this.hasLayer(diffId)) return false
      using lock = HeldLock.take(path)
      if (lock !== undefined) {
        if (this.hasLayer(diffId)) return false
        await make()
        return true
      }
      await delay(LOCK_POLL_MS, undefined, signal ? { signal } : {})
    }
  }

  /** Unpacks a layer and makes it visible; returns its diffID. Fails with `DigestMismatch`, `LayerInvalid`, `NoSpace`. */
  async addLayer(layer: NewLayer): Promise<Digest> {
    const directory = join(this.#directory, String(this.#staged++))
    try {
      // Also the mode of the layer's root, for archives that have no entry for it.
      await mkdir(directory, { mode: 0o755 })
      const result = await this.#unpacker.unpack({
        directory,
        source: layer.source,
        hashBlob: layer.blobDigest !== undefined,
        signal: layer.signal,
        onProgress: layer.onProgress,
      })
      verify(layer.blobDigest, result.blobDigest, 'its bytes')
      verify(layer.diffId, result.diffId, 'its content')
      this.#publish(directory, { diffId: result.diffId, sizeBytes: result.sizeBytes, opaqueRoot: result.opaqueRoot })
      return result.diffId
    } catch (error) {
      throw explainFailure(error)
    } finally {
      await removeTree(directory)
    }
  }

  #publish(
    directory: string,
    layer: { readonly diffId: Digest; readonly sizeBytes: number; readonly opaqueRoot: boolean },
  ): void {
    // The rename is inside the transaction, so that prune, which takes the same lock, never sees a directory without its row.
    this.#db.transaction(() => {
      const known = this.#db.layer(layer.diffId)
      if (known) {
        if (!hasDirectory(this.#layout, known)) renameSync(directory, join(this.#layout.layers, known.name))
        return
      }
      let name: string
      do name = randomBytes(4).toString('hex')
      while (existsSync(join(this.#layout.layers, name)))
      renameSync(directory, join(this.#layout.layers, name))
      this.#db.putLayer({ ...layer, name })
    })
  }

  /** Makes the image known under its references. Undefined when one of its layers is not there (any more): make it and try again. */
  async commit(image: NewImage): Promise<Digest | undefined> {
    const parsed = parseConfig(image.config)
    const id = digestOf(image.config)
    const blobs = [
      await this.#stageBlob(image.config),
      ...(image.manifest ? [await this.#stageBlob(image.manifest)] : []),
    ]
    const manifestDigest = image.manifest && digestOf(image.manifest)
    return this.#db.transaction(() => {
      if (parsed.diffIds.some(diffId => !this.hasLayer(diffId))) return undefined
      // In the transaction, as prune takes blobs away in one.
      for (const blob of blobs) renameSync(blob.path, blobPath(this.#layout, blob.digest))
      this.#db.putImage({
        id,
        manifestDigest,
        config: parsed.config,
        layers: parsed.diffIds,
        created: parsed.created,
        os: parsed.os,
        architecture: parsed.variant ? `${parsed.architecture}/${parsed.variant}` : parsed.architecture,
      })
      for (const reference of image.implied ?? []) this.#db.putReference(reference, id, true)
      for (const reference of image.references) this.#db.putReference(reference, id, false)
      return id
    })
  }

  /** The stored image, which must be there. */
  image(id: Digest): Image {
    const image = this.#db.imageByIdPrefix(id)
    if (image === undefined) throw new KubeError('ImageNotFound', `image ${id}: removed by another process`)
    return image
  }

  async #stageBlob(bytes: Buffer): Promise<{ readonly path: string; readonly digest: Digest }> {
    const path = join(this.#directory, `blob-${this.#staged++}`)
    try {
      await writeFile(path, bytes, { mode: 0o600 })
    } catch (error) {
      throw explainFailure(error)
    }
    return { path, digest: digestOf(bytes) }
  }
}

function verify(expected: Digest | undefined, found: Digest, what: string): void {
  if (expected === undefined || expected === found) return
  throw new KubeError('DigestMismatch', `${what} should be ${expected} but is ${found}`, {
    hint: 'the data was damaged on its way, or is not what its manifest promises; nothing of it was kept',
  })
}
