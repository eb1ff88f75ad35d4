/** `kube pull`: an image from a registry. Layers come and are unpacked side by side. */
import { createHash } from 'node:crypto'
import { during, KubeError } from '../../diagnostic.ts'
import {
  formatReference,
  type ImageReference,
  lookupNames,
  parseReference,
  repositoryOf,
} from '../../image-reference.ts'
import { hasDirectory } from './catalog.ts'
import { parseConfig } from './config.ts'
import { imageDamaged } from './damage.ts'
import { inParallel } from './in-parallel.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import {
  type Descriptor,
  hostPlatform,
  type ImageManifest,
  type Platform,
  parseManifest,
  parsePlatform,
  selectPlatform,
} from './manifest.ts'
import { Repository } from './registry/client.ts'
import { findCredentials, parseCredentials } from './registry/credentials.ts'
import { readRegistriesConf, sourcesFor } from './registry/registries-conf.ts'
import type { Digest, Image, PullOptions, PullProgress } from './types.ts'
import { digestOf, ImageWriter } from './writer.ts'

/** Downloads at once, each with a thread that unpacks it. */
const LAYERS_AT_ONCE = 4
/** Other processes may remove a layer that was there when the pull began. */
const COMMITS_MAX = 3
/** Bytes between two reports of one layer's progress. */
const PROGRESS_BYTES = 1 << 20

interface Store {
  readonly layout: Layout
  readonly db: IndexDb
}

interface Resolved {
  readonly manifest: ImageManifest
  readonly bytes: Buffer
  /** Of the index, if there was one, and of the manifest. */
  readonly digests: readonly Digest[]
}

export async function pullImage(store: Store, text: string, options: PullOptions): Promise<Image> {
  const reference = parseReference(text)
  const name = formatReference(reference)
  const here = madeHere(store, text, reference)
  if (here) return here
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)
  try {
    const rules = await readRegistriesConf(process.env)
    const sources = sourcesFor(rules, repositoryOf(reference), reference.digest !== undefined)
    let failure: unknown
    for (const source of sources) {
      using repository = new Repository({
        repository: source.repository,
        insecure: source.insecure || options.tlsVerify === false,
        credentials: async () =>
          options.credentials === undefined
            ? findCredentials(source.repository, { ...options, env: process.env })
            : [parseCredentials(options.credentials)],
        signal: options.signal,
      })
      try {
        return await pullFrom(store, repository, reference, platform, options)
      } catch (error) {
        options.signal?.throwIfAborted()
        // A mirror that lacks the image or is down is no failure.
        if (!source.isMirror) throw error
        failure = error
      }
    }
    throw failure
  } catch (error) {
    throw during(`pull ${name}`, error)
  }
}

/** An image that was made on this machine comes from no registry: it is current, even where the pull policy is Always. */
function madeHere(store: Store, text: string, reference: ImageReference): Image | undefined {
  const local = lookupNames(text).find(name => name.startsWith('localhost/'))
  const image = local === undefined ? undefined : store.db.imageByReference(local, local)
  if (image === undefined && reference.domain === 'localhost') {
    throw new KubeError('ImageNotFound', `image ${text}: not in the store, and localhost is no registry`, {
      hint: 'make it present with `kube import`, `kube load` or `kube tag`; a registry on this machine is named with its port: localhost:5000/...',
    })
  }
  // As files made here can be had from nowhere else, who has them is told.
  if (image && store.db.layersOf(image.id).some(layer => !hasDirectory(store.layout, layer))) throw imageDamaged(image)
  return image
}

async function resolve(repository: Repository, reference: ImageReference, platform: Platform): Promise<Resolved> {
  const top = await repository.manifest(reference.digest ?? reference.tag ?? 'latest')
  const topDigest = digestOf(top.bytes)
  if (reference.digest?.startsWith('sha256:') && reference.digest !== topDigest)
    throw mismatch('the manifest', reference.digest, topDigest)
  const parsed = parseManifest(top.bytes)
  if (parsed.kind === 'image') return { manifest: parsed, bytes: top.bytes, digests: [topDigest] }
  const chosen = selectPlatform(parsed.manifests, platform)
  const { bytes } = await repository.manifest(chosen.digest)
  const digest = digestOf(bytes)
  if (digest !== chosen.digest) throw mismatch('the manifest', chosen.digest, digest)
  const manifest = parseManifest(bytes)
  if (manifest.kind !== 'image') throw new KubeError('ImageInvalid', 'its index holds another index for this platform')
  return { manifest, bytes, digests: [topDigest, digest] }
}

function mismatch(what: string, expected: Digest, found: Digest): KubeError {
  return new KubeError('DigestMismatch', `${what} should be ${expected} but is ${found}`, {
    hint: 'the data was damaged on its way, or is not what it claims to be; nothing of it was kept',
  })
}

async function pullFrom(
  store: Store,
  repository: Repository,
  reference: ImageReference,
  platform: Platform,
  options: PullOptions,
): Promise<Image> {
  await using writer = new ImageWriter(store.layout, store.db)
  const { manifest, bytes, digests } = await resolve(repository, reference, platform)
  // The first thread starts while the config is on its way.
  if (!store.db.imageByIdPrefix(manifest.config.digest)) writer.warmUp()
  const config = await repository.smallBlob(manifest.config.digest)
  const configDigest = digestOf(config)
  if (configDigest !== manifest.config.digest) throw mismatch('the config', manifest.config.digest, configDigest)
  const parsed = parseConfig(config)
  if (parsed.os !== 'linux') throw new KubeError('PlatformNotFound', `it is made for ${parsed.os}, not for linux`)
  if (parsed.diffIds.length !== manifest.layers.length) {
    throw new KubeError(
      'ImageInvalid',
      `its config tells of ${parsed.diffIds.length} layers, its manifest of ${manifest.layers.length}`,
    )
  }
  const layers = new Map(parsed.diffIds.map((diffId, i) => [diffId, manifest.layers[i]!]))
  const name = formatReference(reference)
  for (let commits = 0; commits < COMMITS_MAX; commits++) {
    await pullLayers({ writer, repository, layers, name, options })
    const implied = digests.map(digest => `${repositoryOf(reference)}@${digest}`).filter(known => known !== name)
    const id = await writer.commit({ config, manifest: bytes, references: [name], implied })
    if (id !== undefined) return writer.image(id)
  }
  throw new KubeError('ImageNotFound', 'another process removes its layers all the time')
}

interface LayerJob {
  readonly writer: ImageWriter
  readonly repository: Repository
  readonly layers: ReadonlyMap<Digest, Descriptor>
  readonly name: string
  readonly options: PullOptions
}

async function pullLayers({ writer, repository, layers, name, options }: LayerJob): Promise<void> {
  await inParallel([...layers], LAYERS_AT_ONCE, options.signal, async ([diffId, blob], signal) => {
    const report = (state: PullProgress['state'], doneBytes: number): void =>
      options.onProgress?.({ reference: name, layer: blob.digest, doneBytes, totalBytes: blob.size, state })
    report('waiting', 0)
    const isMade = await writer.reserveLayer(
      diffId,
      () => writer.addLayer({ source: { kind: 'stream', bytes: checked(repository, blob, report) }, diffId, signal }),
      signal,
    )
    report(isMade ? 'done' : 'present', blob.size)
  })
}

/** The blob's bytes; the end is only reached when they hash to its digest. */
async function* checked(
  repository: Repository,
  blob: Descriptor,
  report: (state: PullProgress['state'], doneBytes: number) => void,
): AsyncGenerator<Buffer, void> {
  const hash = createHash('sha256')
  let done = 0
  let told = 0
  for await (const chunk of repository.blob(blob.digest, blob.size)) {
    hash.update(chunk)
    done += chunk.length
    if (done - told >= PROGRESS_BYTES || told === 0) {
      told = done
      report('pulling', done)
    }
    yield chunk
  }
  const found = `sha256:${hash.digest('hex')}`
  if (found !== blob.digest) throw mismatch(`blob ${blob.digest}`, blob.digest, found)
  report('unpacking', done)
}
