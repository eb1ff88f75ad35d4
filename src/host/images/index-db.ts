/** The index: which images, references and layers there are. SQLite in WAL mode, so that several processes read and write at once. */
import { closeSync, existsSync, openSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { openShared } from '../sys/shared-database.ts'
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

export class IndexDb implements Disposable {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(layout: Layout) {
    if (!existsSync(layout.index)) {
      makeDirectories(layout)
      closeSync(openSync(layout.index, 'a', 0o600))
    }
    this.#db = openShared(layout.index)
    const { user_version: version } = this.#get('PRAGMA user_version') as { readonly user_version: number }
    if (version < SCHEMA_VERSION) this.transaction(() => this.#db.exec(SCHEMA))
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  /** Runs `fn` with the write lock held: all of it happens, or nothing. */
  transaction<T>(fn: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = fn()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
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
    const rows = this.#all('DELETE FROM layers WHERE diff_id NOT IN (SELECT diff_id FROM image_layers) RETURNING *')
    return rows.map(layerOf)
  }

  /** Takes those of `diffIds` away that no image has, and returns them. */
  deleteLayersIfUnused(diffIds: readonly Digest[]): readonly LayerRow[] {
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
    return this.#statement(sql).get(...values)
  }

  #all(sql: string, ...values: (string | number | null)[]): Record<string, unknown>[] {
    return this.#statement(sql).all(...values)
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#statement(sql).run(...values)
  }
}
