/** Devices by name. Source: CDI specification 1.0, tags.cncf.io/container-device-interface/SPEC.md. */
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import type { DeviceEdits, DeviceFacts } from '../../plan/facts.ts'
import type { OciHook, OciMount } from '../../plan/oci-types.ts'
import { readRegularFile } from './regular-file.ts'

/** A later directory's file wins. */
const DIRECTORIES = ['/etc/cdi', '/var/run/cdi']
const HOST_DEVICE = 'podman.io/device='

interface Edits {
  readonly env?: readonly string[]
  readonly deviceNodes?: readonly DeviceNode[]
  readonly mounts?: readonly CdiMount[]
  readonly hooks?: readonly CdiHook[]
  readonly additionalGids?: readonly number[]
}

interface DeviceNode {
  readonly path: string
  readonly hostPath?: string
  readonly type?: string
  readonly major?: number
  readonly minor?: number
  readonly fileMode?: number
  readonly permissions?: string
  readonly uid?: number
  readonly gid?: number
}

interface CdiMount {
  readonly hostPath: string
  readonly containerPath: string
  readonly type?: string
  readonly options?: readonly string[]
}

interface CdiHook extends OciHook {
  readonly hookName: string
}

interface Specification {
  readonly kind?: string
  readonly devices?: readonly { readonly name: string; readonly containerEdits?: Edits }[]
  readonly containerEdits?: Edits
}

/** Reads YAML, of which JSON is a part. */
export type ParseYaml = (text: string) => unknown

/** What the named devices change about a container. Fails with `DeviceNotFound`. */
export function deviceEdits(names: readonly string[], parse: ParseYaml): DeviceEdits {
  const specifications = names.every(name => name.startsWith(HOST_DEVICE)) ? [] : readSpecifications(parse)
  const used = new Set<Specification>()
  const edits = names.flatMap(name => {
    if (name.startsWith(HOST_DEVICE)) return [hostDevice(name.slice(HOST_DEVICE.length))]
    const [kind, device] = [name.slice(0, name.indexOf('=')), name.slice(name.indexOf('=') + 1)]
    const specification = specifications.findLast(
      candidate => candidate.kind === kind && candidate.devices?.some(one => one.name === device),
    )
    if (!specification) throw notFound(name, `no CDI specification in ${DIRECTORIES.join(' or ')} has it`)
    used.add(specification)
    return [specification.devices?.find(one => one.name === device)?.containerEdits ?? {}]
  })
  return merge([...[...used].map(specification => specification.containerEdits ?? {}), ...edits])
}

/** `/dev/path[:path in the container[:rwm]]`; of a directory, all devices in it. */
function hostDevice(text: string): Edits {
  const [path = '', target = path, permissions] = text.split(':')
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) throw notFound(`${HOST_DEVICE}${text}`, `${path} does not exist`)
  const paths = stats.isDirectory() ? readdirSync(path, { recursive: true }).map(name => `/${String(name)}`) : ['']
  const nodes = paths
    .filter(below => isDevice(statSync(path + below)))
    .map(below => ({ path: target + below, hostPath: path + below, ...(permissions ? { permissions } : {}) }))
  if (nodes.length === 0) throw notFound(`${HOST_DEVICE}${text}`, `${path} is not a device`)
  return { deviceNodes: nodes }
}

function isDevice(stats: Stats): boolean {
  return stats.isCharacterDevice() || stats.isBlockDevice()
}

function merge(edits: readonly Edits[]): DeviceEdits {
  const hooks: Record<string, OciHook[]> = {}
  for (const { hookName, ...hook } of edits.flatMap(edit => edit.hooks ?? [])) {
    hooks[hookName] = [...(hooks[hookName] ?? []), hook]
  }
  return {
    env: edits.flatMap(edit => edit.env ?? []),
    devices: edits.flatMap(edit => edit.deviceNodes ?? []).map(deviceOf),
    mounts: edits.flatMap(edit => edit.mounts ?? []).map(mountOf),
    additionalGids: edits.flatMap(edit => edit.additionalGids ?? []),
    hooks,
  }
}

function deviceOf(node: DeviceNode): DeviceFacts {
  const source = node.hostPath ?? node.path
  const stats = statSync(realpathOr(source), { throwIfNoEntry: false })
  if (!stats && (node.major === undefined || node.minor === undefined)) throw notFound(source, 'it does not exist')
  const number = stats?.rdev ?? 0
  const type = node.type ?? (stats?.isBlockDevice() ? 'b' : 'c')
  return {
    path: node.path,
    type: type === 'u' ? 'c' : (type as DeviceFacts['type']),
    major: node.major ?? (number >>> 8) & 0xfff,
    minor: node.minor ?? (number & 0xff) | ((number >>> 12) & 0xfff00),
    mode: node.fileMode ?? (stats?.mode ?? 0o666) & 0o777,
    uid: node.uid ?? stats?.uid ?? 0,
    gid: node.gid ?? stats?.gid ?? 0,
    ...(node.permissions === undefined ? {} : { access: node.permissions }),
  }
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function mountOf({ hostPath, containerPath, type, options = ['rbind', 'ro'] }: CdiMount): OciMount {
  return { destination: containerPath, type: type ?? 'bind', source: hostPath, options }
}

function readSpecifications(parse: ParseYaml): readonly Specification[] {
  return DIRECTORIES.flatMap(directory =>
    filesIn(directory)
      .filter(name => /\.(json|ya?ml)$/.test(name))
      .map(name => readSpecification(`${directory}/${name}`, parse)),
  )
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}

function readSpecification(path: string, parse: ParseYaml): Specification {
  try {
    return (parse(readRegularFile(path)) ?? {}) as Specification
  } catch (error) {
    throw new KubeError('DeviceSpecInvalid', `CDI specification ${path} cannot be read`, { cause: error })
  }
}

function notFound(name: string, reason: string): KubeError {
  return new KubeError('DeviceNotFound', `device ${name}: ${reason}`)
}
