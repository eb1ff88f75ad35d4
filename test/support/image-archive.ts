/** Images as `docker save` and the OCI layout write them, made in memory for tests. */
import { createHash } from 'node:crypto'
import { tarOf } from './tar-writer.ts'

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export interface TestImage {
  /** Uncompressed tars, lowest first. */
  readonly layers: readonly Uint8Array[]
  readonly config?: Readonly<Record<string, unknown>>
  readonly architecture?: string
  readonly variant?: string
  readonly os?: string
}

export function configOf(image: TestImage): Buffer {
  return Buffer.from(
    JSON.stringify({
      created: '2024-05-01T10:00:00Z',
      architecture: image.architecture ?? 'amd64',
      ...(image.variant === undefined ? {} : { variant: image.variant }),
      os: image.os ?? 'linux',
      config: image.config ?? { Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: image.layers.map(layer => `sha256:${sha256(layer)}`) },
    }),
  )
}

/** A docker-archive. */
export function dockerArchive(images: readonly (TestImage & { readonly tags: readonly string[] })[]): Buffer {
  const files = new Map<string, Uint8Array>()
  const manifest = images.map(image => {
    const config = configOf(image)
    files.set(`${sha256(config)}.json`, config)
    const layers = image.layers.map(layer => {
      files.set(`${sha256(layer)}/layer.tar`, layer)
      return `${sha256(layer)}/layer.tar`
    })
    return { Config: `${sha256(config)}.json`, RepoTags: image.tags, Layers: layers }
  })
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
  return tarOf([...files].map(([path, data]) => ({ path, data })))
}

export interface Blob {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly bytes: Buffer
}

export function blobOf(mediaType: string, content: Uint8Array | object): Blob {
  const bytes = content instanceof Uint8Array ? Buffer.from(content) : Buffer.from(JSON.stringify(content))
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length, bytes }
}

function descriptor({ mediaType, digest, size }: Blob): object {
  return { mediaType, digest, size }
}

/** An OCI manifest and the blobs it needs; `compress` makes layer blobs of the tars. */
export function ociImage(
  image: TestImage,
  compress: (tar: Uint8Array) => Uint8Array,
): { readonly manifest: Blob; readonly blobs: readonly Blob[] } {
  const config = blobOf('application/vnd.oci.image.config.v1+json', configOf(image))
  const layers = image.layers.map(layer => blobOf('application/vnd.oci.image.layer.v1.tar+gzip', compress(layer)))
  const manifest = blobOf('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor(config),
    layers: layers.map(descriptor),
  })
  return { manifest, blobs: [config, ...layers] }
}

export function ociIndex(
  entries: readonly { readonly manifest: Blob; readonly platform?: object; readonly annotations?: object }[],
): Blob {
  return blobOf('application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: entries.map(({ manifest, platform, annotations }) => ({
      ...descriptor(manifest),
      platform,
      annotations,
    })),
  })
}
