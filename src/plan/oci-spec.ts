/** A plan and the machine's facts, as the specification that an OCI runtime (crun, runc) takes. */
import { KubeError } from '../diagnostic.ts'
import { ALL_CAPABILITIES } from './capabilities.ts'
import { deviceRules, INFRA_DEVICES, memberDevices } from './devices.ts'
import { manifestEnvironment, processEnvironment } from './environment.ts'
import type { ContainerFacts, ImageDefaults, MachineFacts, PodFacts } from './facts.ts'
import { MASKED_PATHS, memberMounts, READONLY_PATHS, rootfsPropagation } from './oci-mounts.ts'
import type { OciCapabilities, OciNamespace, OciProcess, OciResources, OciSeccomp, OciSpec } from './oci-types.ts'
import { INFRA_OOM_SCORE, memberOomScore } from './resources.ts'
import { defaultSeccomp } from './seccomp.ts'
import { seccompFromProfile } from './seccomp-profile.ts'
import type { MemberPlan, NamespaceKind, NamespacePlan, PodPlan, ResourcePlan } from './types.ts'
import { expandVariables } from './variables.ts'

const OCI_VERSION = '1.0.2'

export interface InfraOptions {
  /** The container's id. */
  readonly id: string
  /** Absolute path of a directory that holds nothing but an empty directory `dev` and an empty file `catatonit`. */
  readonly rootfs: string
  /** Absolute path of the statically linked program on this machine. */
  readonly catatonit: string
}

const INFRA_PROGRAM = '/catatonit'

/** The infra container: nothing but the namespaces and a process that holds them, without any privilege. */
export function infraSpec(pod: PodPlan, machine: MachineFacts, facts: PodFacts, options: InfraOptions): OciSpec {
  const { sysctls, namespaces } = pod.infra
  return {
    ociVersion: OCI_VERSION,
    process: {
      user: { uid: 0, gid: 0 },
      args: [INFRA_PROGRAM, '-P'],
      env: [],
      cwd: '/',
      capabilities: { bounding: [], effective: [], permitted: [] },
      noNewPrivileges: true,
      oomScoreAdj: Math.max(INFRA_OOM_SCORE, machine.minOomScoreAdj),
    },
    root: { path: options.rootfs, readonly: true },
    ...(namespaces.uts === 'owns' && pod.hostname !== '' ? { hostname: pod.hostname } : {}),
    mounts: [
      // The runtime insists on making its device nodes; without this they would be made in the shared directory.
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'mode=755', 'size=64k'] },
      {
        destination: INFRA_PROGRAM,
        type: 'bind',
        source: options.catatonit,
        options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev'],
      },
    ],
    linux: {
      namespaces: ociNamespaces({ ...namespaces, mount: 'owns' }, facts),
      ...idMappings(pod, facts),
      cgroupsPath: `${facts.cgroupPath}/${options.id}`,
      resources: { devices: INFRA_DEVICES },
      ...(Object.keys(sysctls).length === 0 ? {} : { sysctl: sysctls }),
    },
  }
}

/**
 * A member: the image's defaults under the manifest's words, in the infra container's namespaces.
 * Fails with `NoCommand` when neither gives a command, and with the codes of `manifestEnvironment`.
 */
export function memberSpec(
  pod: PodPlan,
  member: MemberPlan,
  image: ImageDefaults,
  machine: MachineFacts,
  podFacts: PodFacts,
  facts: ContainerFacts,
): OciSpec {
  const { security } = member
  const { privileged } = security
  const unmasked = privileged || security.unmaskedProc
  const seccomp = seccompOf(member, machine, facts)
  const devices = memberDevices(member, machine, facts)
  return {
    ociVersion: OCI_VERSION,
    process: memberProcess(pod, member, image, machine, podFacts, facts),
    root: { path: facts.rootfs, readonly: security.readOnlyRootfs },
    mounts: [...memberMounts(pod, member, machine, podFacts, facts), ...(facts.edits?.mounts ?? [])],
    ...(Object.keys(facts.edits?.hooks ?? {}).length === 0 ? {} : { hooks: facts.edits!.hooks }),
    annotations: {
      'io.kubernetes.cri.container-type': 'container',
      'io.kubernetes.pod.name': pod.name,
      'io.kubernetes.pod.namespace': pod.namespace,
      'io.kubernetes.pod.uid': podFacts.uid,
      'io.kubernetes.container.name': member.name,
    },
    linux: {
      namespaces: ociNamespaces(
        { ...member.namespaces, mount: 'owns', ...(machine.cgroupVersion === 2 ? { cgroup: 'owns' } : {}) },
        podFacts,
        facts.targetPid,
      ),
      ...idMappings(pod, podFacts),
      ...(devices.length === 0 ? {} : { devices: devices.map(({ access: _access, ...node }) => node) }),
      cgroupsPath: `${podFacts.cgroupPath}/${facts.id}`,
      resources: { devices: deviceRules(member, devices), ...ociResources(member.resources, machine) },
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(unmasked ? {} : { maskedPaths: MASKED_PATHS, readonlyPaths: READONLY_PATHS }),
      rootfsPropagation: rootfsPropagation(member),
    },
  }
}

function memberProcess(
  pod: PodPlan,
  member: MemberPlan,
  image: ImageDefaults,
  machine: MachineFacts,
  podFacts: PodFacts,
  facts: ContainerFacts,
): OciProcess {
  const { security } = member
  const inputs = { pod, member, image, machine, podFacts, containerFacts: facts }
  const manifest = manifestEnvironment(inputs)
  const { uid, gid, additionalGids } = facts.user
  const score = memberOomScore(pod, member, machine.memoryBytes)
  const appArmor = appArmorProfile(member, machine)
  const seLinux = seLinuxLabel(member, machine)
  return {
    terminal: member.terminal,
    user: { uid, gid, additionalGids: [...additionalGids, ...(facts.edits?.additionalGids ?? [])] },
    args: processArgs(member, image, manifest),
    env: [...processEnvironment(inputs, manifest), ...(facts.edits?.env ?? [])],
    cwd: member.workingDir || image.workingDir || '/',
    capabilities: processCapabilities(member, uid, machine),
    rlimits: processRlimits(member, machine),
    noNewPrivileges: security.noNewPrivileges,
    ...(appArmor === undefined ? {} : { apparmorProfile: appArmor }),
    ...(seLinux === undefined ? {} : { selinuxLabel: seLinux }),
    oomScoreAdj: Math.max(score, machine.minOomScoreAdj),
  }
}

/**
 * `command` replaces the image's ENTRYPOINT and drops its CMD; `args` replaces its CMD. Only the manifest's words are
 * expanded, and only from the manifest's variables.
 */
export function processArgs(
  member: Pick<MemberPlan, 'name' | 'command' | 'args'>,
  image: ImageDefaults,
  manifest: ReadonlyMap<string, string>,
): readonly string[] {
  const expand = (words: readonly string[]) => words.map(word => expandVariables(word, name => manifest.get(name)))
  const command = expand(member.command ?? [])
  const args = expand(member.args ?? [])
  const entrypoint = command.length > 0 ? command : (image.entrypoint ?? [])
  const rest = args.length > 0 || command.length > 0 ? args : (image.cmd ?? [])
  const all = [...entrypoint, ...rest]
  if (all.length === 0) {
    const hint = 'set command in the manifest'
    throw new KubeError(
      'NoCommand',
      `container ${member.name}: no command specified, neither in the manifest nor in the image`,
      { hint },
    )
  }
  return all
}

/** A process that isn't root holds none from the start, but a set-uid program may get those of the bounding set. */
function processCapabilities(member: MemberPlan, uid: number, machine: MachineFacts): OciCapabilities {
  const grantable = new Set(machine.capabilities ?? ALL_CAPABILITIES)
  const bounding = member.security.capabilities.filter(name => grantable.has(name)).map(name => `CAP_${name}`)
  const held = uid === 0 ? bounding : []
  return { bounding, effective: held, permitted: held }
}

/** podman's default, for both. Source: containers/common, pkg/config. */
const DEFAULT_RLIMIT = 1_048_576

function processRlimits(member: MemberPlan, machine: MachineFacts): NonNullable<OciProcess['rlimits']> {
  const ceiling = machine.rlimitCeiling
  const defaults = (['nofile', 'nproc'] as const).map(name => {
    const limit = Math.min(DEFAULT_RLIMIT, ceiling?.[name] ?? DEFAULT_RLIMIT)
    return { name, soft: limit, hard: limit }
  })
  const byName = new Map([...defaults, ...member.security.rlimits].map(limit => [limit.name, limit]))
  return Array.from(byName.values(), ({ name, soft, hard }) => ({ type: `RLIMIT_${name.toUpperCase()}`, soft, hard }))
}

const NAMESPACE_TYPES: Readonly<Record<NamespaceKind, OciNamespace['type']>> = {
  user: 'user',
  net: 'network',
  ipc: 'ipc',
  uts: 'uts',
  pid: 'pid',
  mount: 'mount',
  cgroup: 'cgroup',
}

/** What is `host` is left out: the runtime then leaves the process where it is. */
function ociNamespaces(plan: NamespacePlan, facts: PodFacts, targetPid?: number): readonly OciNamespace[] {
  return Object.entries(NAMESPACE_TYPES).flatMap(([kind, type]): readonly OciNamespace[] => {
    const source = plan[kind as NamespaceKind]
    if (kind === 'pid' && targetPid !== undefined) return [{ type, path: `/proc/${targetPid}/ns/pid` }]
    if (source === 'owns') return [{ type }]
    if (source === 'joins') return [{ type, path: `${facts.infraProcess}/ns/${kind}` }]
    return []
  })
}

function idMappings(pod: PodPlan, facts: PodFacts) {
  if (!pod.userNamespace) return {}
  if (!facts.idMappings) {
    const hint = 'remove hostUsers: false'
    throw new KubeError('UserNamespaceNotMapped', 'no ids were set aside for a user namespace of its own', { hint })
  }
  return { uidMappings: facts.idMappings.uids, gidMappings: facts.idMappings.gids }
}

/** The limits of one container or of a pod's own cgroup. */
export function ociResources(plan: ResourcePlan, machine: MachineFacts): OciResources {
  const { cpuShares, cpuQuotaUs, cpuPeriodUs, memoryBytes, memoryRequestBytes, pidsLimit, cpuset, memoryNodes } = plan
  const swap = machine.cgroupVersion === 2 || machine.swapAccounting === true
  const hugepageLimits = Object.entries(plan.hugepages).map(([pageSize, limit]) => ({ pageSize, limit }))
  return {
    cpu: {
      shares: cpuShares,
      ...(cpuQuotaUs === undefined ? {} : { quota: cpuQuotaUs }),
      ...(cpuPeriodUs === undefined ? {} : { period: cpuPeriodUs }),
      ...(cpuset === undefined ? {} : { cpus: cpuset }),
      ...(memoryNodes === undefined ? {} : { mems: memoryNodes }),
    },
    // The same limit with swap: a container with a limit does not swap, as under the kubelet.
    memory: {
      ...(memoryBytes === undefined ? {} : { limit: memoryBytes, ...(swap ? { swap: memoryBytes } : {}) }),
      ...(memoryRequestBytes > 0 ? { reservation: memoryRequestBytes } : {}),
    },
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
    ...(hugepageLimits.length === 0 ? {} : { hugepageLimits }),
    // What is left of a container after the kernel killed one of its processes rarely works: all of it goes, as under the kubelet.
    ...(machine.cgroupVersion === 2 ? { unified: { 'memory.oom.group': '1' } } : {}),
  }
}

function seccompOf(member: MemberPlan, machine: MachineFacts, facts: ContainerFacts): OciSeccomp | undefined {
  const { seccomp, capabilities } = member.security
  if (seccomp.type === 'Unconfined' || !machine.seccomp) return undefined
  if (seccomp.type !== 'Localhost') return defaultSeccomp(capabilities, machine.architecture)
  if (facts.seccompProfile === undefined) {
    throw new KubeError(
      'SeccompProfileMissing',
      `container ${member.name}: seccomp profile ${seccomp.profile} was not read`,
    )
  }
  return seccompFromProfile(facts.seccompProfile, capabilities, machine.architecture)
}

function appArmorProfile(member: MemberPlan, machine: MachineFacts): string | undefined {
  const { appArmor } = member.security
  if (!machine.appArmor) {
    if (appArmor.type !== 'Localhost') return undefined
    throw new KubeError(
      'AppArmorDisabled',
      `container ${member.name}: Cannot enforce AppArmor: AppArmor is not enabled on the host`,
    )
  }
  if (appArmor.type === 'Localhost') return appArmor.profile
  return appArmor.type === 'Unconfined' ? 'unconfined' : machine.appArmorDefault
}

/** Only what the manifest asks for; without a type the policy's container type. */
function seLinuxLabel(member: MemberPlan, machine: MachineFacts): string | undefined {
  const { seLinux } = member.security
  if (!machine.seLinux || !seLinux) return undefined
  const { user = 'system_u', role = 'system_r', type = 'container_t', level = 's0' } = seLinux
  return `${user}:${role}:${type}:${level}`
}
