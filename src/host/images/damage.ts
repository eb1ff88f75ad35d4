/** Images that lack files. */
import { existsSync } from 'node:fs'
import { KubeError } from '../../diagnostic.ts'
import { damageOf } from '../sys/shared-database.ts'
import { hasDirectory } from './catalog.ts'
import { IndexDb } from './index-db.ts'
import { blobPath, layoutOf } from './layout.ts'
import type { Image } from './types.ts'

export function imageDamaged({ id, references }: Image): KubeError {
  const name = references[0] ?? id
  const pull = name.startsWith('localhost/') || name === id ? '' : `\`kube pull ${name}\`, or `
  return new KubeError('ImageDamaged', `image ${name} is damaged: files of its layers are gone from the disk`, {
    hint: `bring it here again: ${pull}\`kube load\` or \`kube import\` of what it came from`,
  })
}

export interface StoreDamage {
  /** What is wrong with the index. */
  readonly index?: string
  /** Names of images that lack layers or a config. */
  readonly images: readonly string[]
}

/** Looks at the whole store and changes nothing. Undefined where there is no store. */
export function damageOfStore(root: string): StoreDamage | undefined {
  const layout = layoutOf(root)
  if (!existsSync(layout.base)) return undefined
  const index = damageOf(layout.index)
  if (index !== undefined) return { index, images: [] }
  if (!existsSync(layout.index)) return { index: 'is missing', images: [] }
  using db = new IndexDb(layout)
  const damaged = db
    .images()
    .filter(
      ({ id }) => !existsSync(blobPath(layout, id)) || db.layersOf(id).some(layer => !hasDirectory(layout, layer)),
    )
  return { images: damaged.map(({ id, references }) => references[0] ?? id) }
}

/** Makes a damaged index anew from what is on the disk. */
export function repairIndex(root: string): void {
  const layout = layoutOf(root)
  using db = new IndexDb(layout)
  // Opening it meets only damage at its begin.
  if (damageOf(layout.index) !== undefined) db.makeAnew()
}
