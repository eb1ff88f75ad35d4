/** Manifests and indexes, of OCI and of docker (schema 2), read with distrust. Sources: OCI image spec, manifest.md and image-index.md. */
import { KubeError } from '../../diagnostic.ts'
import { hostArchitecture, invalid, isDigest, objectOf, parseJson } from './config.ts'
import type { Digest } from './types.ts'

export const MEDIA_TYPES = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const

/** Bytes of a manifest, an index or a config that are read at most. Registries allow 4 MiB. */
export const DOCUMENT_MAX_BYTES = 8 << 20

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly platform?: Platform
  readonly annotations: Readonly<Record<string, string>>
}

export interface ImageManifest {
  readonly kind: 'image'
  readonly config: Descriptor
  /** Lowest first. */
  readonly layers: readonly Descriptor[]
}

export interface ImageIndex {
  readonly kind: 'index'
  readonly manifests: readonly Descriptor[]
}

function platformOf(value: unknown): Platform | undefined {
  if (value === undefined || value === null) return undefined
  const { os, architecture, variant } = objectOf(value, 'platform')
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) }
}

function descriptorOf(value: unknown, what: string): Descriptor {
  const { mediaType, digest, size, platform, annotations } = objectOf(value, what)
  if (!isDigest(digest)) throw invalid(`${what}: ${JSON.stringify(digest)} is no sha256 digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`${what}: its size is no byte count`)
  const where = platformOf(platform)
  const notes = Object.entries(objectOf(annotations, `${what}.annotations`))
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest,
    size,
    ...(where ? { platform: where } : {}),
    annotations: Object.fromEntries(notes.filter((note): note is [string, string] => typeof note[1] === 'string')),
  }
}

function descriptorsOf(value: unknown, what: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`${what} is not a list`)
  return value.map((item, i) => descriptorOf(item, `${what}[${i}]`))
}

/** Throws `ImageInvalid`, also for what is no image: artifacts, charts, schema 1. */
export function parseManifest(bytes: Uint8Array): ImageManifest | ImageIndex {
  const root = objectOf(parseJson(bytes, 'the manifest'), 'the manifest')
  if (root.schemaVersion === 1) {
    throw new KubeError('ImageInvalid', 'its manifest is of docker schema 1, which registries gave up', {
      hint: 'push the image again with a present tool',
    })
  }
  if (Array.isArray(root.manifests)) return { kind: 'index', manifests: descriptorsOf(root.manifests, 'manifests') }
  if (root.config === undefined) throw invalid('the manifest has neither config nor manifests')
  const config = descriptorOf(root.config, 'config')
  const isImage = /^application\/vnd\.(?:oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/.test(
    config.mediaType,
  )
  if (!isImage && config.mediaType !== '' && config.mediaType !== 'application/octet-stream') {
    const type = typeof root.artifactType === 'string' ? root.artifactType : config.mediaType
    throw invalid(`it is an artifact of type ${type}, not a container image`)
  }
  const layers = descriptorsOf(root.layers ?? [], 'layers')
  for (const layer of layers) if (layer.mediaType.includes('+encrypted')) throw invalid('its layers are encrypted')
  return { kind: 'image', config, layers }
}

/** `os/arch[/variant]`; throws `InvalidPlatform`. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  if (parts.length < 2 || parts.length > 3 || parts.some(part => !/^[a-z0-9_.-]+$/i.test(part))) {
    throw new KubeError('InvalidPlatform', `platform ${JSON.stringify(text)}: must be os/arch or os/arch/variant`, {
      exitStatus: 2,
    })
  }
  const aliases: Readonly<Record<string, string>> = {
    x86_64: 'amd64',
    'x86-64': 'amd64',
    aarch64: 'arm64',
    i386: '386',
    armhf: 'arm',
  }
  const [os = '', architecture = '', variant] = parts.map(part => part.toLowerCase())
  return { os, architecture: aliases[architecture] ?? architecture, ...(variant === undefined ? {} : { variant }) }
}

export function hostPlatform(): Platform {
  return { os: 'linux', ...hostArchitecture() }
}

export function formatPlatform(platform: Platform): string {
  return `${platform.os}/${platform.architecture}${platform.variant === undefined ? '' : `/${platform.variant}`}`
}

function variantNumber(platform: Platform): number {
  const usual: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8', arm: 'v7' }
  const text = platform.variant ?? usual[platform.architecture] ?? 'v0'
  return Number.parseFloat(text.replace(/^v/, '')) || 0
}

/** Higher is better; below 0 it does not run. A variant runs what was made for a lower one (armv6 on armv7). */
function fitness(offered: Platform, wanted: Platform): number {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return -1
  const have = variantNumber(wanted)
  const need = variantNumber(offered)
  return need > have ? -1 : 100 - (have - need)
}

/** What buildx adds beside images. */
function isAttestation(descriptor: Descriptor): boolean {
  return (
    descriptor.annotations['vnd.docker.reference.type'] === 'attestation-manifest' ||
    descriptor.platform?.os === 'unknown'
  )
}

/** The manifest that runs on `wanted`. Throws `PlatformNotFound`, which names what there is. */
export function selectPlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const images = manifests.filter(manifest => !isAttestation(manifest))
  let best: Descriptor | undefined
  let bestFitness = -1
  for (const image of images) {
    const value = image.platform ? fitness(image.platform, wanted) : 0
    if (value > bestFitness) {
      best = image
      bestFitness = value
    }
  }
  if (best) return best
  const offered = images.map(image => formatPlatform(image.platform ?? { os: '?', architecture: '?' })).join(', ')
  throw new KubeError(
    'PlatformNotFound',
    `it has no image for ${formatPlatform(wanted)}, only for ${offered || 'nothing'}`,
  )
}
