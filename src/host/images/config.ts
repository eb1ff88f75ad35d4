/** An image's config blob, read with distrust: it comes from a registry or an archive. Source: OCI image spec, config.md. */
import { KubeError } from '../../diagnostic.ts'
import type { Digest, ImageConfig } from './types.ts'

export interface ParsedConfig {
  readonly config: ImageConfig
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly Digest[]
  readonly created?: string
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value)
}

/** A JSON object, or an empty one for null and absent, as Go reads it. */
export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${what} is not an object`)
  return value as Record<string, unknown>
}

export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (cause) {
    throw new KubeError('ImageInvalid', `${what} is not JSON`, { cause })
  }
}

export function invalid(message: string): KubeError {
  return new KubeError('ImageInvalid', message)
}

function text(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw invalid(`${what} is not a string`)
  if (value.includes('\0')) throw invalid(`${what} holds a NUL`)
  return value
}

function texts(value: unknown, what: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  // Docker once wrote a single string where a list belongs.
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list)) throw invalid(`${what} is not a list`)
  return list.map((item, i) => {
    if (typeof item !== 'string' || item.includes('\0')) throw invalid(`${what}[${i}] is not a string`)
    return item
  })
}

/** Throws `ImageInvalid`. */
export function parseConfig(bytes: Uint8Array): ParsedConfig {
  const root = objectOf(parseJson(bytes, 'the image config'), 'the image config')
  const rootfs = objectOf(root.rootfs, 'rootfs')
  const diffIds = texts(rootfs.diff_ids, 'rootfs.diff_ids') ?? []
  for (const diffId of diffIds)
    if (!isDigest(diffId)) throw invalid(`rootfs.diff_ids: ${JSON.stringify(diffId)} is no sha256 digest`)
  const config = objectOf(root.config, 'config')
  const labels = Object.entries(objectOf(config.Labels, 'config.Labels'))
  const user = text(config.User, 'config.User')
  const entrypoint = texts(config.Entrypoint, 'config.Entrypoint')
  const cmd = texts(config.Cmd, 'config.Cmd')
  const workingDir = text(config.WorkingDir, 'config.WorkingDir')
  const stopSignal = text(config.StopSignal, 'config.StopSignal')
  const created = text(root.created, 'created')
  const variant = text(root.variant, 'variant')
  return {
    config: {
      ...(user === undefined ? {} : { user }),
      env: texts(config.Env, 'config.Env') ?? [],
      ...(entrypoint === undefined ? {} : { entrypoint }),
      ...(cmd === undefined ? {} : { cmd }),
      ...(workingDir === undefined ? {} : { workingDir }),
      exposedPorts: Object.keys(objectOf(config.ExposedPorts, 'config.ExposedPorts')),
      volumes: Object.keys(objectOf(config.Volumes, 'config.Volumes')),
      labels: Object.fromEntries(labels.map(([key, value]) => [key, text(value, `config.Labels[${key}]`) ?? ''])),
      ...(stopSignal === undefined ? {} : { stopSignal }),
    },
    diffIds,
    ...(created === undefined ? {} : { created }),
    os: text(root.os, 'os') ?? 'linux',
    architecture: text(root.architecture, 'architecture') ?? '',
    ...(variant === undefined ? {} : { variant }),
  }
}

function setOf(names: readonly string[]): Record<string, object> | undefined {
  return names.length === 0 ? undefined : Object.fromEntries(names.map(name => [name, {}]))
}

export interface NewConfig {
  readonly config: Partial<ImageConfig>
  readonly diffIds: readonly Digest[]
  /** RFC 3339. */
  readonly created: string
  readonly architecture: string
  /** What made the layer, for the image's history. */
  readonly createdBy: string
}

/** The config blob of an image made here. The same input gives the same bytes. */
export function printConfig(image: NewConfig): Buffer {
  const { config } = image
  const value = {
    created: image.created,
    architecture: image.architecture,
    os: 'linux',
    config: {
      User: config.user,
      ExposedPorts: setOf(config.exposedPorts ?? []),
      Env: config.env?.length ? config.env : undefined,
      Entrypoint: config.entrypoint,
      Cmd: config.cmd,
      Volumes: setOf(config.volumes ?? []),
      WorkingDir: config.workingDir,
      Labels: config.labels && Object.keys(config.labels).length > 0 ? config.labels : undefined,
      StopSignal: config.stopSignal,
    },
    rootfs: { type: 'layers', diff_ids: image.diffIds },
    history: [{ created: image.created, created_by: image.createdBy }],
  }
  return Buffer.from(JSON.stringify(value))
}

/** This machine's architecture in Go's words, as images use them. */
export function hostArchitecture(): { readonly architecture: string; readonly variant?: string } {
  const names: Readonly<Record<string, string>> = {
    x64: 'amd64',
    ia32: '386',
    arm64: 'arm64',
    arm: 'arm',
    loong64: 'loong64',
  }
  const { arch } = process
  // ppc64 is little-endian wherever Node.js runs on Linux.
  const architecture = names[arch] ?? (arch === 'ppc64' ? 'ppc64le' : arch)
  if (architecture === 'arm') return { architecture, variant: 'v7' }
  return { architecture }
}
