/** The index: which images, references and layers there are. SQLite in WAL mode, so that several processes read and write at once. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { KubeError } from '../../diagnostic.ts'
import { isUnusable, openShared, setAside } from '../sys/shared-database.ts'
import { type CatalogReference, fillFromDisk, writeCatalog } from './catalog.ts'
import { HeldLock } from './held-lock.ts'
import { type Layout, makeDirectories } from './layout.ts'
import type { Digest, Image, ImageConfig } from './types.ts'

const SCHEMA_VERSION = 1
const SCHEMA = `
CREATE TABLE IF NOT EXISTS images (
  id TEXT PRIMARY KEY,
  manifest_digest TEXT,
  config TEXT NOT NULL,
  size INTEGER NOT NULL,
  created TEXT,
  os TEXT NOT NULL,
  architecture TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS image_layers (
  image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  diff_id TEXT NOT NULL REFERENCES layers(diff_id),
  PRIMARY KEY (image, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_layers_by_layer ON image_layers(diff_id);
CREATE TABLE IF NOT EXISTS layers (
  diff_id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  opaque_root INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A name:tag, or a name@digest. implied: known from a pull, but nobody asked for the image by it.
CREATE TABLE IF NOT EXISTS refs (
  reference TEXT PRIMARY KEY,
  image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  implied INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refs_by_image ON refs(image);
PRAGMA user_version = ${SCHEMA_VERSION};
`

const IMAGE_COLUMNS = `images.*,
  (SELECT json_group_array(reference ORDER BY reference) FROM refs WHERE refs.image = images.id AND implied = 0) AS "references",
  (SELECT json_group_array(diff_id ORDER BY position) FROM image_layers WHERE image_layers.image = images.id) AS layers`

export interface LayerRow {
  readonly diffId: Digest
  /** Directory name under `l/`. */
  readonly name: string
  readonly sizeBytes: number
  readonly opaqueRoot: boolean
}

export interface ImageRow {
  readonly id: Digest
  readonly manifestDigest?: Digest | undefined
  readonly config: ImageConfig
  readonly layers: readonly Digest[]
  readonly created?: string | undefined
  readonly os: string
  readonly architecture: string
}

interface RawImage {
  readonly id: string
  readonly manifest_digest: string | null
  readonly config: string
  readonly size: number
  readonly created: string | null
  readonly os: string
  readonly architecture: string
  readonly references: string
  readonly layers: string
}

function imageOf(raw: RawImage): Image {
  return {
    id: raw.id,
    ...(raw.manifest_digest === null ? {} : { manifestDigest: raw.manifest_digest }),
    references: JSON.parse(raw.references) as string[],
    config: JSON.parse(raw.config) as ImageConfig,
    layers: JSON.parse(raw.layers) as Digest[],
    sizeBytes: raw.size,
    ...(raw.created === null ? {} : { created: raw.created }),
    os: raw.os,
    architecture: raw.architecture,
  }
}

function layerOf(raw: Record<string, unknown>): LayerRow {
  return {
    diffId: String(raw.diff_id),
    name: String(raw.name),
    sizeBytes: Number(raw.size),
    opaqueRoot: raw.opaque_root === 1,
  }
}

/** Between attempts to get the lock for making the index anew, in milliseconds. */
const AGAIN_MS = 5

/** Opens the index. One that is damaged is moved aside and made anew from what is on the disk, whenever that shows. */
export class IndexDb implements Disposable {
  readonly #layout: Layout
  #db!: DatabaseSync
  /** Of the file that is open: another process may have moved that aside. */
  #inode = 0
  #isChanged = false
  readonly #statements = new Map<string, StatementSync>()

  constructor(layout: Layout) {
    this.#layout = layout
    if (!existsSync(layout.index)) makeDirectories(layout)
    try {
      this.#open()
    } catch (error) {
      if (!isUnusable(layout.index, error)) throw error
      this.makeAnew()
    }
  }

  #open(): void {
    const { index } = this.#layout
    this.#inode = inodeOf(index)
    this.#db = openShared(index)
    this.#inode ||= inodeOf(index)
    const version = this.#version()
    if (version > SCHEMA_VERSION) {
      this.#db.close()
      throw new KubeError('StateTooNew', `${index} was made by a newer kube`, {
        hint: 'use that version, or another --root',
      })
    }
    if (version === SCHEMA_VERSION) return
    this.#inTransaction(() => {
      if (this.#version() === SCHEMA_VERSION) return
      this.#db.exec(SCHEMA)
      fillFromDisk(this, this.#layout)
    })
  }

  #version(): number {
    return Number(this.#db.prepare('PRAGMA user_version').get()?.user_version)
  }

  /** Unless another process has done it since this one opened the index. */
  makeAnew(): void {
    const { index, locks } = this.#layout
    makeDirectories(this.#layout)
    this[Symbol.dispose]()
    let lock = HeldLock.take(join(locks, 'index'))
    while (lock === undefined) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS)
      lock = HeldLock.take(join(locks, 'index'))
    }
    try {
      if (inodeOf(index) === this.#inode) setAside(index)
      this.#open()
    } finally {
      lock[Symbol.dispose]()
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear()
    if (this.#db?.isOpen) this.#db.close()
  }

  /** Runs `fn` with the write lock held: all of it happens, or nothing. */
  transaction<T>(fn: () => T): T {
    try {
      this.#refresh()
      return this.#inTransaction(fn)
    } catch (error) {
      if (!isUnusable(this.#layout.index, error)) throw error
      this.makeAnew()
      throw new KubeError('ImageIndexDamaged', `${this.#layout.index} was damaged and has been made anew`, {
        cause: error,
        hint: 'run the same command again',
      })
    }
  }

  #inTransaction<T>(fn: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = fn()
      if (this.#isChanged) this.#writeCatalog()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    } finally {
      this.#isChanged = false
    }
  }

  #writeCatalog(): void {
    const images = this.#all('SELECT id, manifest_digest FROM images').map(({ id, manifest_digest: digest }) => ({
      id: String(id),
      ...(digest === null ? {} : { manifestDigest: String(digest) }),
    }))
    const references = this.#all('SELECT * FROM refs').map(
      ({ reference, image, implied }): CatalogReference => ({
        reference: String(reference),
        image: String(image),
        isImplied: implied === 1,
      }),
    )
    writeCatalog(this.#layout, { layers: this.#all('SELECT * FROM layers').map(layerOf), images, references })
  }

  /** Opens what another process has made anew. */
  #refresh(): void {
    if (inodeOf(this.#layout.index) === this.#inode) return
    this[Symbol.dispose]()
    this.#open()
  }

  /** What only reads is done again when damage was in its way. */
  #whole<T>(fn: () => T): T {
    if (this.#db.isTransaction) return fn()
    try {
      this.#refresh()
      return fn()
    } catch (error) {
      if (!isUnusable(this.#layout.index, error)) throw error
      this.makeAnew()
      return fn()
    }
  }

  images(): readonly Image[] {
    const rows = this.#all(`SELECT ${IMAGE_COLUMNS} FROM images ORDER BY created DESC, id`)
    return rows.map(row => imageOf(row as unknown as RawImage))
  }

  /** The first of two references that is known. */
  imageByReference(first: string, second: string): Image | undefined {
    const row = this.#get(
      `SELECT ${IMAGE_COLUMNS} FROM refs JOIN images ON images.id = refs.image
       WHERE reference IN (?1, ?2) ORDER BY reference = ?1 DESC LIMIT 1`,
      first,
      second,
    )
    return row && imageOf(row as unknown as RawImage)
  }

  /** By whole ID or its beginning (`sha256:` included); undefined also when several begin so. */
  imageByIdPrefix(prefix: string): Image | undefined {
    const rows = this.#all(`SELECT ${IMAGE_COLUMNS} FROM images WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2`, prefix)
    return rows.length === 1 ? imageOf(rows[0] as unknown as RawImage) : undefined
  }

  putImage(row: ImageRow): void {
    const size = row.layers.reduce((sum, diffId) => sum + (this.layer(diffId)?.sizeBytes ?? 0), 0)
    this.#run(
      `INSERT INTO images (id, manifest_digest, config, size, created, os, architecture) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET manifest_digest = coalesce(excluded.manifest_digest, manifest_digest), config = excluded.config`,
      row.id,
      row.manifestDigest ?? null,
      JSON.stringify(row.config),
      size,
      row.created ?? null,
      row.os,
      row.architecture,
    )
    row.layers.forEach((diffId, position) => {
      this.#run(
        'INSERT OR IGNORE INTO image_layers (image, position, diff_id) VALUES (?, ?, ?)',
        row.id,
        position,
        diffId,
      )
    })
  }

  /** Also takes the reference from the image that had it. An implied one never hides one that was asked for. */
  putReference(reference: string, image: Digest, isImplied: boolean): void {
    this.#run(
      `INSERT INTO refs (reference, image, implied) VALUES (?, ?, ?)
       ON CONFLICT (reference) DO UPDATE SET image = excluded.image, implied = min(implied, excluded.implied)`,
      reference,
      image,
      isImplied ? 1 : 0,
    )
  }

  deleteReference(reference: string): void {
    this.#run('DELETE FROM refs WHERE reference = ?', reference)
  }

  deleteImage(id: Digest): void {
    this.#run('DELETE FROM images WHERE id = ?', id)
  }

  layer(diffId: Digest): LayerRow | undefined {
    const row = this.#get('SELECT * FROM layers WHERE diff_id = ?', diffId)
    return row && layerOf(row)
  }

  putLayer(layer: LayerRow): void {
    const opaque = layer.opaqueRoot ? 1 : 0
    this.#run(
      'INSERT INTO layers (diff_id, name, size, opaque_root) VALUES (?, ?, ?, ?)',
      layer.diffId,
      layer.name,
      layer.sizeBytes,
      opaque,
    )
  }

  /** Takes the layers away that no image has, and returns them. */
  deleteUnusedLayers(): readonly LayerRow[] {
    this.#isChanged = true
    const rows = this.#all('DELETE FROM layers WHERE diff_id NOT IN (SELECT diff_id FROM image_layers) RETURNING *')
    return rows.map(layerOf)
  }

  /** Takes those of `diffIds` away that no image has, and returns them. */
  deleteLayersIfUnused(diffIds: readonly Digest[]): readonly LayerRow[] {
    this.#isChanged = true
    const rows = this.#all(
      `DELETE FROM layers WHERE diff_id IN (SELECT value FROM json_each(?))
       AND diff_id NOT IN (SELECT diff_id FROM image_layers) RETURNING *`,
      JSON.stringify(diffIds),
    )
    return rows.map(layerOf)
  }

  /** An image's layers, lowest first. */
  layersOf(image: Digest): readonly LayerRow[] {
    const rows = this.#all(
      `SELECT layers.* FROM image_layers JOIN layers USING (diff_id) WHERE image = ? ORDER BY position`,
      image,
    )
    return rows.map(layerOf)
  }

  layerNames(): ReadonlySet<string> {
    return new Set(this.#all('SELECT name FROM layers').map(row => String(row.name)))
  }

  /** Digests of the blobs that images need. */
  blobDigests(): ReadonlySet<Digest> {
    const rows = this.#all(
      'SELECT id AS digest FROM images UNION SELECT manifest_digest FROM images WHERE manifest_digest IS NOT NULL',
    )
    return new Set(rows.map(row => String(row.digest)))
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #get(sql: string, ...values: (string | number | null)[]): Record<string, unknown> | undefined {
    return this.#whole(() => this.#statement(sql).get(...values))
  }

  #all(sql: string, ...values: (string | number | null)[]): Record<string, unknown>[] {
    return this.#whole(() => this.#statement(sql).all(...values))
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#isChanged = true
    this.#statement(sql).run(...values)
  }
}

/** 0 where there is none. */
function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0
}
