/** Taking images away, and what nobody needs any more. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { lookupNames } from '../../image-reference.ts'
import { removeTree } from '../sys/remove-tree.ts'
import type { IndexDb } from './index-db.ts'
import { blobPath, EMPTY_LAYER, type Layout } from './layout.ts'
import { findScratch, removeScratch } from './scratch.ts'
import type { Digest, Image, RemovedImage } from './types.ts'

const run = promisify(execFile)

interface Store {
  readonly layout: Layout
  readonly db: IndexDb
}

export async function removeImage(
  store: Store,
  reference: string,
  image: Image,
  options: { readonly force?: boolean; readonly inUse: (id: Digest) => boolean },
): Promise<RemovedImage> {
  const { db } = store
  const names = lookupNames(reference)
  const named = image.references.filter(known => names.includes(known))
  if (named.length > 0 && image.references.length > named.length) {
    db.transaction(() => {
      for (const known of named) db.deleteReference(known)
    })
    return { untagged: named, deleted: [] }
  }
  const isById = named.length === 0
  if (isById && image.references.length > 1 && !options.force) {
    throw new KubeError(
      'ImageHasManyReferences',
      `image ${reference}: it has several names: ${image.references.join(', ')}`,
      {
        hint: 'remove them by name, or all at once with --force',
      },
    )
  }
  if (options.inUse(image.id)) {
    if (!options.force) {
      throw new KubeError('ImageInUse', `image ${reference}: a container uses it`, {
        hint: 'take the pod down first; --force takes its names away and leaves the files until they are free',
      })
    }
    db.transaction(() => {
      for (const known of image.references) db.deleteReference(known)
    })
    return { untagged: image.references, deleted: [] }
  }
  const layers = db.transaction(() => {
    db.deleteImage(image.id)
    const needed = db.blobDigests()
    for (const digest of [image.id, image.manifestDigest]) {
      if (digest !== undefined && !needed.has(digest)) rmSync(blobPath(store.layout, digest), { force: true })
    }
    return moveAside(
      store,
      db.deleteLayersIfUnused(image.layers).map(layer => layer.name),
    )
  })
  for (const path of layers) await removeTree(path)
  await removeScratch(store.layout)
  return { untagged: image.references, deleted: [image.id] }
}

/** Renames layers out of sight, which is quick enough for a transaction; deleting follows. */
function moveAside({ layout }: Store, names: readonly string[]): readonly string[] {
  const moved: string[] = []
  for (const name of names) {
    const to = join(layout.tmp, randomBytes(8).toString('hex'))
    try {
      renameSync(join(layout.layers, name), to)
      moved.push(to)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
  return moved
}

/** Bytes on disk, as du(1) counts them: sparse files and hard links are told right. */
async function diskBytes(path: string): Promise<number> {
  try {
    const { stdout } = await run('du', ['-s', '-B1', '--', path])
    return Number.parseInt(stdout, 10) || 0
  } catch {
    return 0
  }
}

export async function pruneStore(store: Store): Promise<{ readonly freedBytes: number }> {
  const { layout, db } = store
  const { dead, isSomebodyWriting } = findScratch(layout)
  const doomed = [...dead]
  let freedBytes = 0
  // Layers without an image may belong to a pull that is under way.
  if (!isSomebodyWriting) {
    db.transaction(() => {
      db.deleteUnusedLayers()
      const known = db.layerNames()
      doomed.push(
        ...moveAside(
          store,
          readdirSync(layout.layers).filter(name => !known.has(name) && name !== EMPTY_LAYER),
        ),
      )
      const blobs = db.blobDigests()
      for (const hex of readdirSync(layout.blobs)) {
        if (blobs.has(`sha256:${hex}`)) continue
        freedBytes += statSync(join(layout.blobs, hex)).size
        rmSync(join(layout.blobs, hex))
      }
    })
  }
  for (const path of doomed) {
    freedBytes += await diskBytes(path)
    await removeTree(path)
  }
  return { freedBytes }
}
