/** The variables a container's process starts with, in the precedence that the kubelet and the container runtimes give them. */
import { KubeError } from '../diagnostic.ts'
import { parseEnvFile } from './env-file.ts'
import type { ContainerFacts, ImageDefaults, MachineFacts, PodFacts } from './facts.ts'
import { fieldValue, resourceValue } from './fields.ts'
import type { EnvFileRef, EnvPlan, MemberPlan, PodPlan } from './types.ts'
import { expandVariables, type Lookup } from './variables.ts'

export interface EnvironmentInputs {
  readonly pod: PodPlan
  readonly member: MemberPlan
  readonly image: ImageDefaults
  readonly machine: MachineFacts
  readonly podFacts: PodFacts
  readonly containerFacts: Pick<ContainerFacts, 'user' | 'envFiles'>
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What the manifest gives: Services first, then `envFrom`, then `env`, a later one winning. Only `env` values are
 * expanded, and only from what came before them. These, not the image's, are what command and args may refer to.
 * Fails with `InvalidEnvFile`, `KeyNotFound`, `InvalidFieldPath`.
 */
export function manifestEnvironment(inputs: EnvironmentInputs): ReadonlyMap<string, string> {
  const { member, podFacts } = inputs
  const services = new Map(Object.entries(member.serviceLinks ? (podFacts.serviceEnv ?? {}) : {}))
  const own = new Map<string, string>()
  for (const variable of member.env) {
    const value = variableValue(variable, inputs, name => own.get(name) ?? services.get(name))
    if (value !== undefined) own.set(variable.name, value)
  }
  return new Map([...[...services].filter(([name]) => !own.has(name)), ...own])
}

function variableValue(variable: EnvPlan, inputs: EnvironmentInputs, lookup: Lookup): string | undefined {
  if ('value' in variable) return expandVariables(variable.value, lookup)
  if ('text' in variable) return variable.text
  if ('resource' in variable) return resourceValue(variable.resource, inputs.pod, inputs.machine)
  if ('file' in variable) return fileVariable(variable.name, variable.file, inputs)
  const value = fieldValue(variable.field, inputs.pod, inputs.podFacts, inputs.machine)
  if (value === undefined) {
    throw new KubeError('InvalidFieldPath', `variable ${variable.name}: the pod has no field ${variable.field}`)
  }
  return value
}

function fileVariable(name: string, ref: EnvFileRef, inputs: EnvironmentInputs): string | undefined {
  const text = inputs.containerFacts.envFiles?.[`${ref.volume}/${ref.path}`]
  if (text === undefined) {
    if (ref.optional) return undefined
    throw new KubeError('KeyNotFound', `variable ${name}: there is no file ${ref.path} in volume ${ref.volume}`)
  }
  const value = parseEnvFile(text, `${ref.path} in volume ${ref.volume}`).get(ref.key)
  if (value === undefined && !ref.optional) {
    throw new KubeError('KeyNotFound', `variable ${name}: couldn't find key ${ref.key} in file ${ref.path}`)
  }
  return value
}

/** `NAME=VALUE` of everything: the runtime's own, the image's, the manifest's, each replacing the one before in its place. */
export function processEnvironment(
  inputs: EnvironmentInputs,
  manifest: ReadonlyMap<string, string>,
): readonly string[] {
  const { pod, member, image, machine, containerFacts } = inputs
  const all = new Map<string, string>([['PATH', DEFAULT_PATH]])
  if (member.terminal) all.set('TERM', 'xterm')
  all.set('HOSTNAME', pod.hostname === '' ? machine.nodeName : pod.hostname)
  for (const entry of image.env) {
    const at = entry.indexOf('=')
    if (at > 0) all.set(entry.slice(0, at), entry.slice(at + 1))
  }
  for (const [name, value] of manifest) all.set(name, value)
  if (!all.get('HOME')) all.set('HOME', containerFacts.user.home)
  return Array.from(all, ([name, value]) => {
    if (!value.includes('\0')) return `${name}=${value}`
    throw new KubeError('CreateContainerConfigError', `variable ${name}: its value holds a NUL character`, {
      hint: 'mount it as a file of a volume',
    })
  })
}

/** The path below a volume that a mount's `subPathExpr` comes to; undefined for a mount of the whole volume. */
export function expandSubPath(
  mount: { readonly subPath?: string; readonly subPathExpr?: string; readonly destination: string },
  manifest: ReadonlyMap<string, string>,
): string | undefined {
  if (mount.subPathExpr === undefined) return mount.subPath
  const missing: string[] = []
  const path = expandVariables(mount.subPathExpr, name => {
    const value = manifest.get(name)
    if (value === undefined) missing.push(name)
    return value
  })
  if (missing.length > 0) {
    const text = `mount ${mount.destination}: subPathExpr refers to ${missing.join(', ')}, which no variable defines`
    throw new KubeError('CreateContainerConfigError', text)
  }
  if (path.startsWith('/')) {
    throw new KubeError(
      'CreateContainerConfigError',
      `mount ${mount.destination}: error SubPath \`${path}\` must not be an absolute path`,
    )
  }
  if (path.split('/').includes('..')) {
    throw new KubeError(
      'CreateContainerConfigError',
      `mount ${mount.destination}: subPath ${path} must not contain '..'`,
    )
  }
  return path === '' ? undefined : path
}
