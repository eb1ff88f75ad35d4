/** `kube import`: an image of one layer from the tar of a root file system. */
import { closeSync, fstatSync } from 'node:fs'
import { during, KubeError } from '../../diagnostic.ts'
import { formatReference, parseLocalReference } from '../../image-reference.ts'
import { openInput, streamOf } from '../sys/input.ts'
import { compressionOfFile, uncompressed } from './archive.ts'
import { hostArchitecture, printConfig } from './config.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import type { Image, ImageConfig } from './types.ts'
import { ImageWriter } from './writer.ts'

export interface NewRootfs {
  readonly reference: string
  readonly config: Partial<ImageConfig>
  readonly signal: AbortSignal | undefined
}

export async function importRootfs(
  store: { readonly layout: Layout; readonly db: IndexDb },
  path: string,
  image: NewRootfs,
): Promise<Image> {
  const { reference, config, signal } = image
  const name = formatReference(parseLocalReference(reference))
  if (name.includes('@'))
    throw new KubeError(
      'InvalidImageName',
      `image ${JSON.stringify(reference)}: an image that is made here gets a tag, not a digest`,
    )
  let fd = 0
  let isOurs = false
  try {
    if (path !== '-') {
      fd = openInput(path)
      isOurs = true
    }
    await using writer = new ImageWriter(store.layout, store.db)
    writer.warmUp()
    const isFile = path !== '-' && fstatSync(fd).isFile()
    const compression = isFile ? compressionOfFile(fd) : undefined
    // The thread reads a file itself; what only another program can decompress, or what cannot be read twice, is sent to it.
    const isDirect = compression === 'none' || compression === 'gzip' || compression === 'zstd'
    if (isFile && fstatSync(fd).size === 0) throw new KubeError('LayerInvalid', 'the file is empty')
    if (!isDirect) isOurs = false
    for (;;) {
      const diffId = await writer.addLayer({
        signal,
        source: isDirect
          ? { kind: 'file', fd, offset: 0, length: fstatSync(fd).size }
          : { kind: 'stream', bytes: await uncompressed(await streamOf(fd, signal)) },
      })
      const { architecture } = hostArchitecture()
      const created = new Date().toISOString()
      const bytes = printConfig({ config, diffIds: [diffId], created, architecture, createdBy: `kube import ${path}` })
      const id = await writer.commit({ config: bytes, references: [name] })
      if (id !== undefined) return writer.image(id)
      if (!isDirect) throw new KubeError('ImageNotFound', 'its layer was removed by another process meanwhile')
    }
  } catch (error) {
    throw during(`import ${path} as ${name}`, error)
  } finally {
    if (isOurs) closeSync(fd)
  }
}
