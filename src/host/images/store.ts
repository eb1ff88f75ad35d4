/** The image store on disk. Opening it reads nothing; what pulls, loads and unpacks is imported when first needed. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { KubeError } from '../../diagnostic.ts'
import {
  formatReference,
  isShortName,
  lookupNames,
  parseLocalReference,
  parseReference,
} from '../../image-reference.ts'
import { hasDirectory } from './catalog.ts'
import { imageDamaged } from './damage.ts'
import { IndexDb } from './index-db.ts'
import { EMPTY_LAYER, layoutOf } from './layout.ts'
import type { Digest, Image, ImageStore } from './types.ts'

/** An ID as people write it: with or without `sha256:`, whole or at least 4 digits of it. */
const ID = /^(?:sha256:)?([0-9a-f]{4,64})$/

/** Opens the store under `root`, making it when it is not there. Several processes may have it open. */
export function openImageStore(root: string): ImageStore {
  const layout = layoutOf(root)
  let index: IndexDb | undefined
  const store = {
    layout,
    /** Opened when it is first asked: what needs no image works without it. */
    get db(): IndexDb {
      index ??= new IndexDb(layout)
      return index
    },
  }

  function find(reference: string): Image | undefined {
    const [first, second] = lookupNames(reference)
    const byName = first === undefined ? undefined : store.db.imageByReference(first, second ?? first)
    if (byName) return byName
    const hex = ID.exec(reference)?.[1]
    return hex === undefined ? undefined : store.db.imageByIdPrefix(`sha256:${hex}`)
  }

  function need(reference: string): Image {
    const image = find(reference)
    if (image) return image
    // A wrong name is told as such.
    if (!ID.test(reference)) parseReference(reference)
    throw new KubeError('ImageNotFound', `image ${reference}: not in the store`, {
      hint: '`kube images` lists what is there',
    })
  }

  return {
    list: () => store.db.images(),
    find,
    async pull(reference, options) {
      const { pullImage } = await import('./pull.ts')
      return pullImage(store, reference, options ?? {})
    },
    async load(path, options) {
      const { loadImages } = await import('./load.ts')
      return loadImages(store, path, options?.signal)
    },
    async importRootfs(path, reference, config, options) {
      const { importRootfs } = await import('./import.ts')
      return importRootfs(store, path, { reference, config: config ?? {}, signal: options?.signal })
    },
    tag(image, reference) {
      const { id } = need(image)
      const parsed = isShortName(reference) ? parseLocalReference(reference) : parseReference(reference)
      if (parsed.digest !== undefined) {
        throw new KubeError('InvalidImageName', `image ${JSON.stringify(reference)}: a tag cannot be a digest`)
      }
      store.db.transaction(() => store.db.putReference(formatReference(parsed), id, false))
      return need(id)
    },
    async remove(reference, options) {
      const { removeImage } = await import('./remove.ts')
      const image = find(reference)
      if (image === undefined && !ID.test(reference)) parseReference(reference)
      return image === undefined ? { untagged: [], deleted: [] } : removeImage(store, reference, image, options)
    },
    async prune() {
      const { pruneStore } = await import('./remove.ts')
      return pruneStore(store)
    },
    lowerDirs(image) {
      const names: string[] = []
      for (const layer of [...store.db.layersOf(image.id)].reverse()) {
        if (!hasDirectory(layout, layer)) throw imageDamaged(image)
        // overlayfs refuses a directory that is there twice; its upper place decides what is seen.
        if (!names.includes(layer.name)) names.push(layer.name)
        if (layer.opaqueRoot) break
      }
      if (names.length < 1) {
        if (image.layers.length > 0) throw imageGone(image.id)
        mkdirSync(join(layout.layers, EMPTY_LAYER), { recursive: true, mode: 0o755 })
        names.push(EMPTY_LAYER)
      }
      return { layersDir: layout.layers, names }
    },
    close: () => index?.[Symbol.dispose](),
  }
}

function imageGone(id: Digest): KubeError {
  return new KubeError('ImageNotFound', `image ${id}: removed by another process meanwhile`)
}
