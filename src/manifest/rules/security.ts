/** Security contexts of pods and containers. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type {
  V1AppArmorProfile,
  V1PodSecurityContext,
  V1PodSpec,
  V1SeccompProfile,
  V1SecurityContext,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { duplicate, forbidden, invalid, notSupported, required } from '../finding.ts'
import { checkNotEmpty, checkOneOf, checkRange, entriesAt, type Findings } from './check.ts'
import { checkDescendingPath } from './paths.ts'

/** Of users and groups. Source: k8s.io/apimachinery/pkg/util/validation, maxUserID. */
const maxId = 2 ** 31 - 1

function* checkSeccomp(at: FieldPath, profile: V1SeccompProfile | undefined): Findings {
  if (profile === undefined) return
  const types = ['Localhost', 'RuntimeDefault', 'Unconfined']
  if (profile.type === '') yield required([...at, 'type'], 'type is required when seccompProfile is set')
  else if (profile.type !== undefined && !types.includes(profile.type))
    yield notSupported([...at, 'type'], profile.type, types)
  const localAt = [...at, 'localhostProfile']
  if (profile.type === 'Localhost') {
    if (profile.localhostProfile === undefined) yield required(localAt, 'must be set when seccomp type is Localhost')
    else yield* checkDescendingPath(localAt, profile.localhostProfile)
  } else if (profile.localhostProfile !== undefined)
    yield invalid(localAt, profile.localhostProfile, 'can only be set when seccomp type is Localhost')
}

function* checkAppArmor(at: FieldPath, profile: V1AppArmorProfile | undefined): Findings {
  if (profile === undefined) return
  const types = ['Localhost', 'RuntimeDefault', 'Unconfined']
  if (profile.type === '') yield required([...at, 'type'], 'type is required when appArmorProfile is set')
  else if (profile.type !== undefined && !types.includes(profile.type))
    yield notSupported([...at, 'type'], profile.type, types)
  const localAt = [...at, 'localhostProfile']
  const name = profile.localhostProfile
  if (profile.type === 'Localhost') {
    if (name === undefined || name.trim() === '') yield required(localAt, 'must be set when AppArmor type is Localhost')
    else if (name !== name.trim()) yield invalid(localAt, name, 'must not be padded with whitespace')
  } else if (name !== undefined) yield invalid(localAt, name, 'can only be set when AppArmor type is Localhost')
}

/** A container's security context; `hostUsers` is the pod's. */
export function* checkSecurityContext(at: FieldPath, context: V1SecurityContext, hostUsers: boolean): Findings {
  yield* checkRange([...at, 'runAsUser'], context.runAsUser, 0, maxId)
  yield* checkRange([...at, 'runAsGroup'], context.runAsGroup, 0, maxId)
  yield* checkOneOf([...at, 'procMount'], context.procMount, ['Default', 'Unmasked'])
  if (hostUsers && context.procMount === 'Unmasked') {
    const finding = invalid([...at, 'procMount'], context.procMount, '`hostUsers` must be false to use `Unmasked`')
    // As `podman kube generate` has it.
    const hint = 'leave it out: a privileged container sees all of /proc'
    yield context.privileged === true ? { ...finding, hint } : finding
  }
  yield* checkSeccomp([...at, 'seccompProfile'], context.seccompProfile)
  if (context.allowPrivilegeEscalation === false) {
    const shown = { allowPrivilegeEscalation: false }
    if (context.privileged === true) {
      const detail = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'
      yield { ...invalid(at, { ...shown, privileged: true }, detail), at: [...at, 'privileged'] }
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
      const detail = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'
      yield { ...invalid(at, shown, detail), at: [...at, 'capabilities', 'add'] }
    }
  }
  yield* checkAppArmor([...at, 'appArmorProfile'], context.appArmorProfile)
}

export function* checkPodSecurityContext(at: FieldPath, spec: V1PodSpec): Findings {
  const context: V1PodSecurityContext = spec.securityContext ?? {}
  const path = [...at, 'securityContext']
  yield* checkRange([...path, 'fsGroup'], context.fsGroup, 0, maxId)
  yield* checkRange([...path, 'runAsUser'], context.runAsUser, 0, maxId)
  yield* checkRange([...path, 'runAsGroup'], context.runAsGroup, 0, maxId)
  for (const [groupAt, group] of entriesAt([...path, 'supplementalGroups'], context.supplementalGroups))
    yield* checkRange(groupAt, group, 0, maxId)
  yield* checkSysctls([...path, 'sysctls'], spec)
  yield* checkOneOf([...path, 'fsGroupChangePolicy'], context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'])
  yield* checkSeccomp([...path, 'seccompProfile'], context.seccompProfile)
  yield* checkAppArmor([...path, 'appArmorProfile'], context.appArmorProfile)
  yield* checkOneOf([...path, 'supplementalGroupsPolicy'], context.supplementalGroupsPolicy, ['Merge', 'Strict'])
  yield* checkOneOf([...path, 'seLinuxChangePolicy'], context.seLinuxChangePolicy, ['MountOption', 'Recursive'])
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    yield {
      ...invalid([...path, 'shareProcessNamespace'], true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
      at: [...at, 'shareProcessNamespace'],
    }
  if (spec.hostUsers !== false) return
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const)
    if (spec[field] === true) yield forbidden([...at, field], 'when `pod.Spec.HostUsers` is false')
}

const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/

/** Namespaced sysctls by what they start with. Source: k8s.io/component-helpers/node/util/sysctl/namespace.go. */
const ipcSysctls = /^(kernel[./]sem$|kernel[./]shm|kernel[./]msg|fs[./]mqueue[./])/

function* checkSysctls(path: FieldPath, spec: V1PodSpec): Findings {
  const names = new Set<string>()
  for (const [at, sysctl] of entriesAt(path, spec.securityContext?.sysctls)) {
    const { name } = sysctl
    if (name === undefined) continue
    const nameAt = [...at, 'name']
    yield* checkNotEmpty(nameAt, name)
    if (name !== '' && (name.length > 253 || !sysctlName.test(name)))
      yield invalid(nameAt, name, `must have at most 253 characters and match regex ${sysctlName.source}`)
    else if (names.has(name)) yield duplicate(nameAt, name)
    names.add(name)
    if (spec.hostNetwork === true && /^net[./]/.test(name))
      yield invalid(nameAt, name, "may not be specified when 'hostNetwork' is true")
    if (spec.hostIPC === true && ipcSysctls.test(name))
      yield invalid(nameAt, name, "may not be specified when 'hostIPC' is true")
  }
}
