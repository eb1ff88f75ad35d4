/** `kube load`: images from a docker-archive, an oci-archive or an OCI layout directory. Sources: OCI image spec, image-layout.md; docker's `save` format. */
import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { during, KubeError } from '../../diagnostic.ts'
import { formatReference, parseLocalReference, parseReference } from '../../image-reference.ts'
import { openInput, streamOf } from '../sys/input.ts'
import { compressionOfFile, filesOfDirectory, filesOfTar, type ImageFiles, readDocument, spool } from './archive.ts'
import { invalid, objectOf, parseConfig, parseJson } from './config.ts'
import { inParallel } from './in-parallel.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import {
  type Descriptor,
  DOCUMENT_MAX_BYTES,
  formatPlatform,
  hostPlatform,
  parseManifest,
  selectPlatform,
} from './manifest.ts'
import type { Digest, Image } from './types.ts'
import { TarError } from './unpack/tar-header.ts'
import { digestOf, ImageWriter } from './writer.ts'

/** Unpacked at once, where there are as many processors... */
const LAYERS_AT_ONCE = 4
/** ...and where each thread, which takes 30 ms to start, gets so many bytes of archive to read. */
const BYTES_PER_THREAD = 16 << 20
const COMMITS_MAX = 3

interface Store {
  readonly layout: Layout
  readonly db: IndexDb
}

/** An image of an archive before it is unpacked. */
interface Candidate {
  readonly config: Buffer
  readonly manifest?: Buffer
  readonly references: readonly string[]
  /** Where each layer is, lowest first; its digest when the archive promises one. */
  readonly layers: readonly { readonly name: string; readonly digest?: Digest }[]
}

export async function loadImages(
  store: Store,
  path: string,
  signal: AbortSignal | undefined,
): Promise<readonly Image[]> {
  try {
    await using writer = new ImageWriter(store.layout, store.db)
    if (path !== '-' && statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      using files = filesOfDirectory(path)
      return await loadFrom(writer, files, signal)
    }
    const fd = await plainFile(path, writer.directory, signal)
    try {
      using files = filesOfTar(fd)
      return await loadFrom(writer, files, signal)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw during(
      `load ${path === '-' ? 'standard input' : path}`,
      error instanceof TarError ? invalid(error.message) : error,
    )
  }
}

/** The archive as an uncompressed file that can be read at any place: itself, or a copy in the store. */
async function plainFile(path: string, directory: string, signal: AbortSignal | undefined): Promise<number> {
  const fd = path === '-' ? 0 : openInput(path)
  if (path !== '-' && fstatSync(fd).isFile() && compressionOfFile(fd) === 'none') return fd
  const copy = join(directory, 'archive')
  await spool(await streamOf(fd, signal), copy, signal)
  return openSync(copy, 'r')
}

async function loadFrom(
  writer: ImageWriter,
  files: ImageFiles,
  signal: AbortSignal | undefined,
): Promise<readonly Image[]> {
  const candidates = files.locate('manifest.json') ? dockerImages(files) : ociImages(files)
  if (candidates.length === 0) throw invalid('it holds no image')
  if (candidates.some(candidate => parseConfig(candidate.config).diffIds.some(diffId => !writer.hasLayer(diffId))))
    writer.warmUp()
  const images = new Map<Digest, Image>()
  for (const candidate of candidates) {
    const id = await loadOne(writer, files, candidate, signal)
    images.set(id, writer.image(id))
  }
  // Again, as a later image may have taken a name from an earlier one.
  return [...images.keys()].map(id => writer.image(id))
}

async function loadOne(
  writer: ImageWriter,
  files: ImageFiles,
  candidate: Candidate,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const { diffIds } = parseConfig(candidate.config)
  if (diffIds.length !== candidate.layers.length) {
    throw invalid(`its config tells of ${diffIds.length} layers, the archive holds ${candidate.layers.length}`)
  }
  const layers = new Map(diffIds.map((diffId, i) => [diffId, candidate.layers[i]!]))
  for (let commits = 0; commits < COMMITS_MAX; commits++) {
    await inParallel([...layers], threadsFor(files, candidate), signal, async ([diffId, layer], stop) => {
      await writer.reserveLayer(diffId, () => addLayer(writer, files, diffId, layer, stop), stop)
    })
    const id = await writer.commit(candidate)
    if (id !== undefined) return id
  }
  throw new KubeError('ImageNotFound', 'another process removes its layers all the time')
}

function threadsFor(files: ImageFiles, candidate: Candidate): number {
  const bytes = candidate.layers.reduce((sum, layer) => sum + (files.locate(layer.name)?.length ?? 0), 0)
  return Math.min(LAYERS_AT_ONCE, availableParallelism(), Math.ceil(bytes / BYTES_PER_THREAD) || 1)
}

async function addLayer(
  writer: ImageWriter,
  files: ImageFiles,
  diffId: Digest,
  layer: { readonly name: string; readonly digest?: Digest },
  signal: AbortSignal,
): Promise<void> {
  const range = files.locate(layer.name)
  if (range === undefined) throw invalid(`layer ${layer.name} is missing`)
  const blob = layer.digest === undefined ? {} : { blobDigest: layer.digest }
  try {
    await writer.addLayer({ source: { kind: 'file', ...range }, diffId, ...blob, signal })
  } catch (error) {
    throw during(`layer ${layer.name}`, error)
  }
}

/** The list in manifest.json; docker from 25 on writes an OCI layout beside it, which is left alone: the names are here. */
function dockerImages(files: ImageFiles): readonly Candidate[] {
  const list = parseJson(readDocument(files, 'manifest.json', DOCUMENT_MAX_BYTES), 'manifest.json')
  if (!Array.isArray(list)) throw invalid('manifest.json is not a list')
  return list.map((item, i) => {
    const entry = objectOf(item, `manifest.json[${i}]`)
    const texts = (value: unknown): readonly string[] =>
      Array.isArray(value) ? value.filter((text): text is string => typeof text === 'string') : []
    if (typeof entry.Config !== 'string') throw invalid(`manifest.json[${i}] names no config`)
    const config = readDocument(files, entry.Config, DOCUMENT_MAX_BYTES)
    const named = /([0-9a-f]{64})(?:\.json)?$/.exec(entry.Config)?.[1]
    verify(named && `sha256:${named}`, config, entry.Config)
    return {
      config,
      references: texts(entry.RepoTags).map(tag => formatReference(parseReference(tag))),
      layers: texts(entry.Layers).map(name => ({ name })),
    }
  })
}

function verify(digest: Digest | undefined, bytes: Buffer, what: string): void {
  const found = digestOf(bytes)
  if (digest === undefined || digest === found) return
  throw new KubeError('DigestMismatch', `${what} should be ${digest} but is ${found}`, {
    hint: 'the archive is damaged; nothing of the image was kept',
  })
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`
}

function readBlob(files: ImageFiles, descriptor: Descriptor): Buffer {
  const name = blobName(descriptor.digest)
  const bytes = readDocument(files, name, DOCUMENT_MAX_BYTES)
  verify(descriptor.digest, bytes, name)
  return bytes
}

/** What an index entry is called: containerd's annotation is a whole name, OCI's a name or, from some tools, only a tag. */
function nameOf(descriptor: Descriptor): string | undefined {
  const name =
    descriptor.annotations['io.containerd.image.name'] ?? descriptor.annotations['org.opencontainers.image.ref.name']
  return name === undefined || name === '' ? undefined : formatReference(parseLocalReference(name))
}

function ociImages(files: ImageFiles): readonly Candidate[] {
  if (!files.locate('index.json')) {
    throw new KubeError(
      'ImageInvalid',
      'it is neither a docker-archive nor an oci-archive (no manifest.json, no index.json)',
      {
        hint: 'a root file system tar is read by `kube import FILE NAME`',
      },
    )
  }
  const top = parseManifest(readDocument(files, 'index.json', DOCUMENT_MAX_BYTES))
  if (top.kind !== 'index') throw invalid('index.json is no index')
  const wanted = hostPlatform()
  // Entries of one name are one image for several platforms; those without a name are too, as tools write no others.
  const groups = new Map<string | undefined, Descriptor[]>()
  for (const descriptor of top.manifests) {
    const name = nameOf(descriptor)
    groups.set(name, [...(groups.get(name) ?? []), descriptor])
  }
  const candidates: Candidate[] = []
  for (const [name, descriptors] of groups) {
    const several = descriptors.length > 1 && descriptors.every(descriptor => descriptor.platform !== undefined)
    for (const descriptor of several ? [selectPlatform(descriptors, wanted)] : descriptors) {
      candidates.push(ociImage(files, descriptor, name === undefined ? [] : [name]))
    }
  }
  return candidates
}

function ociImage(files: ImageFiles, descriptor: Descriptor, references: readonly string[]): Candidate {
  const wanted = hostPlatform()
  let bytes = readBlob(files, descriptor)
  let parsed = parseManifest(bytes)
  if (parsed.kind === 'index') {
    bytes = readBlob(files, selectPlatform(parsed.manifests, wanted))
    parsed = parseManifest(bytes)
  }
  if (parsed.kind === 'index') throw invalid(`its index holds another index for ${formatPlatform(wanted)}`)
  return {
    config: readBlob(files, parsed.config),
    manifest: bytes,
    references,
    layers: parsed.layers.map(layer => ({ name: blobName(layer.digest), digest: layer.digest })),
  }
}
