/** podman's annotations, where they have a meaning here; where they have none, that is said. */
import type { V1Pod } from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { type Finding, invalid, notice, warning } from '../manifest/finding.ts'
import type { MemberPlan, PodPlan, RlimitPlan } from './types.ts'

export interface AnnotationResult {
  readonly plan: AnnotatedPlan
  readonly findings: readonly Finding[]
}

/** What annotations can change. */
export type AnnotatedPlan = Pick<PodPlan, 'members'>

const PREFIX = 'io.podman.annotations.'

interface Annotation {
  readonly path: FieldPath
  readonly value: string
  /** After the slash of `NAME/CONTAINER`; absent when the whole pod is meant. */
  readonly container?: string
}

type Reader = (plan: AnnotatedPlan, annotation: Annotation) => AnnotationResult

/** By name, without prefix and container. Source: podman-kube-play(1). */
const READERS: Readonly<Record<string, Reader>> = {
  [`${PREFIX}pids-limit`]: pidsLimit,
  [`${PREFIX}cpuset`]: (plan, annotation) => cpuList(plan, annotation, 'cpuset'),
  [`${PREFIX}memory-nodes`]: (plan, annotation) => cpuList(plan, annotation, 'memoryNodes'),
  [`${PREFIX}ulimit`]: ulimits,
  [`${PREFIX}volumes-from`]: volumesFrom,
  [`${PREFIX}userns`]: userNamespace,
  [`${PREFIX}infra.name`]: unused('containers of a pod are told apart by its uid'),
  [`${PREFIX}init.container.type`]: unused('init containers run as in Kubernetes'),
  [`${PREFIX}kube.image.volumes.mount`]: refusedHere('use a volume of kind image'),
  [`${PREFIX}kube.image.automount`]: refusedHere('use a volume of kind image'),
  // What `podman kube generate --podman-only` writes for each container.
  [`${PREFIX}autoremove`]: unused('a pod that is over stays until it is taken down'),
  [`${PREFIX}cid-file`]: unused('containers are found by their names'),
  [`${PREFIX}privileged`]: refusedHere('use securityContext.privileged'),
  [`${PREFIX}init`]: refusedHere('with shareProcessNamespace the pod has a process that reaps'),
  [`${PREFIX}seccomp`]: refusedHere('use securityContext.seccompProfile'),
  [`${PREFIX}apparmor`]: refusedHere('use securityContext.appArmorProfile'),
  [`${PREFIX}label`]: refusedHere('use securityContext.seLinuxOptions'),
  [`${PREFIX}publish-all`]: refusedHere('give the ports a hostPort, or play with --publish-all'),
  'io.containers.autoupdate': unused('images are updated by playing again'),
  'io.containers.sdnotify': unused('readiness probes say when a container is ready'),
  'bind-mount-options': unused('labels are set where SELinux is on'),
}

/** Applies each known annotation in turn. */
export function applyAnnotations(
  plan: AnnotatedPlan,
  annotations: Readonly<Record<string, string>> | undefined,
): AnnotationResult {
  let result: AnnotationResult = { plan, findings: [] }
  for (const [key, value] of Object.entries(annotations ?? {})) {
    const slash = key.lastIndexOf('/')
    const name = slash < 0 ? key : key.slice(0, slash)
    const read =
      READERS[name] ?? READERS[key] ?? (name.startsWith(PREFIX) ? unused('kube does not know it') : undefined)
    if (!read) continue
    const container = slash < 0 ? {} : { container: key.slice(slash + 1) }
    const next = read(result.plan, { path: ['metadata', 'annotations', key], value, ...container })
    result = { plan: next.plan, findings: [...result.findings, ...next.findings] }
  }
  return result
}

function failed(plan: AnnotatedPlan, finding: Finding): AnnotationResult {
  return { plan, findings: [finding] }
}

function unused(reason: string): Reader {
  return (plan, { path }) => failed(plan, notice(path, 'AnnotationUnused', `it has no effect here: ${reason}`))
}

function refusedHere(instead: string): Reader {
  return (plan, { path }) => failed(plan, warning(path, 'AnnotationNotSupported', 'it is not supported', instead))
}

/** Changes the container that the annotation names, or all of them. */
function changeMembers(
  plan: AnnotatedPlan,
  annotation: Annotation,
  change: (member: MemberPlan) => MemberPlan,
): AnnotationResult {
  const { container, path } = annotation
  if (container !== undefined && !plan.members.some(member => member.name === container)) {
    return failed(plan, invalid(path, container, 'the pod has no container of that name'))
  }
  const members = plan.members.map(member =>
    container === undefined || member.name === container ? change(member) : member,
  )
  return { plan: { ...plan, members }, findings: [] }
}

function pidsLimit(plan: AnnotatedPlan, annotation: Annotation): AnnotationResult {
  const limit = Number(annotation.value)
  if (!/^-?\d+$/.test(annotation.value))
    return failed(plan, invalid(annotation.path, annotation.value, 'must be a number'))
  if (limit <= 0) return { plan, findings: [] }
  return changeMembers(plan, annotation, member => ({
    ...member,
    resources: { ...member.resources, pidsLimit: limit },
  }))
}

/** Source of the format: cpuset(7). */
const CPU_LIST = /^\d+(-\d+)?(,\d+(-\d+)?)*$/

function cpuList(plan: AnnotatedPlan, annotation: Annotation, field: 'cpuset' | 'memoryNodes'): AnnotationResult {
  const { value, path } = annotation
  if (!CPU_LIST.test(value))
    return failed(plan, invalid(path, value, "must be a list of numbers and ranges, such as '0-2,4'"))
  return changeMembers(plan, annotation, member => ({
    ...member,
    resources: { ...member.resources, [field]: value },
  }))
}

const LIMIT_NAMES = new Set(
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
)
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** `nofile=1024:2048,nproc=100`; -1 is unlimited. */
function ulimits(plan: AnnotatedPlan, annotation: Annotation): AnnotationResult {
  const limits: RlimitPlan[] = []
  for (const part of annotation.value.split(',')) {
    const match = /^\s*(\w+)=(-1|\d+)(?::(-1|\d+))?\s*$/.exec(part)
    const [, name = '', soft = '', hard = soft] = match ?? []
    if (!match || !LIMIT_NAMES.has(name)) {
      return failed(plan, invalid(annotation.path, part, "must be NAME=SOFT:HARD, such as 'nofile=1024:2048'"))
    }
    limits.push({ name, soft: limitValue(soft), hard: limitValue(hard) })
  }
  return changeMembers(plan, annotation, member => ({
    ...member,
    security: { ...member.security, rlimits: [...member.security.rlimits, ...limits] },
  }))
}

function limitValue(text: string): number {
  return text === '-1' ? UNLIMITED : Number(text)
}

/** `CONTAINER[:ro];CONTAINER`: the mounts of other containers of the pod, unless their place is taken. */
function volumesFrom(plan: AnnotatedPlan, annotation: Annotation): AnnotationResult {
  const sources = annotation.value.split(';').map(part => part.trim().split(':'))
  const missing = sources.find(([name]) => !plan.members.some(member => member.name === name))
  if (missing) return failed(plan, invalid(annotation.path, missing[0], 'the pod has no container of that name'))
  return changeMembers(plan, annotation, member => {
    const taken = new Set(member.mounts.map(mount => mount.destination))
    const added = sources.flatMap(([name, options = '']) => {
      const source = plan.members.find(candidate => candidate.name === name)
      const readOnly = options.split(',').includes('ro')
      return (source?.mounts ?? []).map(mount => (readOnly ? { ...mount, readOnly } : mount))
    })
    return { ...member, mounts: [...member.mounts, ...added.filter(mount => !taken.has(mount.destination))] }
  })
}

function userNamespace(plan: AnnotatedPlan, { value, path }: Annotation): AnnotationResult {
  if (value in USER_NAMESPACES) return { plan, findings: [] }
  return failed(plan, warning(path, 'AnnotationNotSupported', `${value} is not supported`, 'use hostUsers: false'))
}

const USER_NAMESPACES: Readonly<Record<string, boolean>> = { '': false, host: false, auto: true, private: true }

/** Whether the pod has a user namespace of its own: by `hostUsers`, else by podman's annotation. */
export function ownsUserNamespace(pod: V1Pod): boolean {
  if (pod.spec?.hostUsers !== undefined) return !pod.spec.hostUsers
  return USER_NAMESPACES[pod.metadata?.annotations?.[`${PREFIX}userns`] ?? ''] === true
}
