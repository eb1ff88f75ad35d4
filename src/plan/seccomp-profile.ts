/** Seccomp profiles of the machine, in the form that Docker, podman and the kubelet's runtimes share. */
import { KubeError } from '../diagnostic.ts'
import type { MachineFacts } from './facts.ts'
import type { OciSeccomp, OciSyscallRule } from './oci-types.ts'
import { hasDotDot, isAbsolute } from './posix-path.ts'
import type { SeccompPlan } from './types.ts'

/** Where a Localhost profile is read from; undefined for the other types. Fails with `SeccompProfileInvalid`. */
export function seccompProfilePath(plan: SeccompPlan, machine: MachineFacts): string | undefined {
  if (plan.type !== 'Localhost') return undefined
  const { profile, root = machine.seccompRoot } = plan
  if (profile === '' || isAbsolute(profile) || hasDotDot(profile)) {
    throw new KubeError('SeccompProfileInvalid', `seccomp profile ${profile}: must be a path below ${root}`)
  }
  return `${root}/${profile}`
}

interface Conditions {
  readonly caps?: readonly string[]
  readonly arches?: readonly string[]
}

interface ProfileRule extends Omit<OciSyscallRule, 'names' | 'args'> {
  readonly names?: readonly string[]
  readonly name?: string
  readonly args?: OciSyscallRule['args'] | null
  readonly includes?: Conditions
  readonly excludes?: Conditions
}

interface Profile {
  readonly defaultAction?: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] }[]
  readonly syscalls?: readonly ProfileRule[]
}

/** `amd64` and so on, as `includes.arches` writes them. */
const GO_NAMES: Readonly<Record<string, readonly string[]>> = {
  SCMP_ARCH_X86_64: ['amd64', 'x32', 'x86'],
  SCMP_ARCH_AARCH64: ['arm64', 'arm'],
  SCMP_ARCH_ARM: ['arm'],
  SCMP_ARCH_PPC64LE: ['ppc64le'],
  SCMP_ARCH_S390X: ['s390x', 's390'],
  SCMP_ARCH_RISCV64: ['riscv64'],
}

/**
 * The filter for a capability set (without `CAP_`) on this machine: rules for other capabilities or processors are left
 * out. Fails with `SeccompProfileInvalid`.
 */
export function seccompFromProfile(profile: object, capabilities: readonly string[], architecture: string): OciSeccomp {
  const { defaultAction, defaultErrnoRet, architectures, archMap, syscalls } = profile as Profile
  if (typeof defaultAction !== 'string' || (syscalls !== undefined && !Array.isArray(syscalls))) {
    throw new KubeError(
      'SeccompProfileInvalid',
      'the seccomp profile has no defaultAction, or syscalls that are no list',
    )
  }
  const held = new Set(capabilities.map(name => `CAP_${name}`))
  const here = new Set(GO_NAMES[architecture] ?? [])
  const family = archMap?.find(entry => entry.architecture === architecture)
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: architectures ?? [architecture, ...(family?.subArchitectures ?? [])],
    syscalls: (syscalls ?? []).filter(rule => applies(rule, held, here)).map(ociRule),
  }
}

function applies({ includes, excludes }: ProfileRule, held: ReadonlySet<string>, here: ReadonlySet<string>): boolean {
  if (includes?.caps?.some(name => !held.has(name))) return false
  if (includes?.arches?.length && !includes.arches.some(name => here.has(name))) return false
  if (excludes?.caps?.some(name => held.has(name))) return false
  return !excludes?.arches?.some(name => here.has(name))
}

function ociRule({ names, name, action, errnoRet, args }: ProfileRule): OciSyscallRule {
  return {
    names: names ?? (name === undefined ? [] : [name]),
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args?.length ? { args } : {}),
  }
}
