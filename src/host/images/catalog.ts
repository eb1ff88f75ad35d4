/**
 * What the index knows and no layer or blob tells, written beside them with each change: from all of it a lost or damaged
 * index is made anew.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig } from './config.ts'
import type { IndexDb, LayerRow } from './index-db.ts'
import { blobPath, type Layout } from './layout.ts'
import type { Digest } from './types.ts'

export interface Catalog {
  readonly layers: readonly LayerRow[]
  readonly images: readonly { readonly id: Digest; readonly manifestDigest?: Digest }[]
  readonly references: readonly CatalogReference[]
}

export interface CatalogReference {
  readonly reference: string
  readonly image: Digest
  readonly isImplied: boolean
}

/** Best done with the index locked. What a full disk does not take is written with the next change: images go all the same. */
export function writeCatalog(layout: Layout, catalog: Catalog): void {
  const fresh = `${layout.catalog}.new`
  try {
    writeFileSync(fresh, JSON.stringify(catalog), { mode: 0o600 })
    renameSync(fresh, layout.catalog)
  } catch {
    rmSync(fresh, { force: true })
  }
}

/** Within the transaction that makes the index: puts into it what is there. An image that lacks something is left out. */
export function fillFromDisk(db: IndexDb, layout: Layout): void {
  const catalog = readCatalog(layout)
  for (const layer of catalog?.layers ?? []) if (hasDirectory(layout, layer)) db.putLayer(layer)
  const images = new Set<Digest>()
  for (const { id, manifestDigest } of catalog?.images ?? []) {
    try {
      const { config, diffIds, created, os, architecture, variant } = parseConfig(readFileSync(blobPath(layout, id)))
      if (diffIds.some(diffId => !db.layer(diffId))) continue
      const platform = variant ? `${architecture}/${variant}` : architecture
      db.putImage({ id, manifestDigest, config, layers: diffIds, created, os, architecture: platform })
      images.add(id)
    } catch {
      // Its config is gone or damaged.
    }
  }
  for (const { reference, image, isImplied } of catalog?.references ?? [])
    if (images.has(image)) db.putReference(reference, image, isImplied)
}

function readCatalog(layout: Layout): Catalog | undefined {
  try {
    return JSON.parse(readFileSync(layout.catalog, 'utf8')) as Catalog
  } catch {
    return undefined
  }
}

/** Whether a layer's files are there, whatever the records say. */
export function hasDirectory(layout: Layout, layer: LayerRow): boolean {
  return statSync(join(layout.layers, layer.name), { throwIfNoEntry: false })?.isDirectory() === true
}
