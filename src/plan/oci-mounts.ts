/** What a container's file system holds besides its image: kernel file systems, the pod's files, the volumes. */
import { KubeError } from '../diagnostic.ts'
import type { ContainerFacts, MachineFacts, PodFacts } from './facts.ts'
import type { OciMount } from './oci-types.ts'
import type { MemberPlan, MountPlan, PodPlan, VolumePlan } from './types.ts'

/** Kernel settings and state that a container must not see. Source: containers/common, pkg/config, as podman 5.8 has it. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
]

/** What it may see but not change. */
export const READONLY_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]

/**
 * In the order in which they must be mounted: a mount below another one after it. The pod's own files give way to a
 * volume that the manifest mounts in their place.
 */
export function memberMounts(
  pod: PodPlan,
  member: MemberPlan,
  machine: MachineFacts,
  podFacts: PodFacts,
  facts: ContainerFacts,
): readonly OciMount[] {
  const taken = member.mounts.map(mount => absoluteDestination(mount))
  const sandbox = sandboxMounts(pod, member, podFacts, facts).filter(mount => !taken.includes(mount.destination))
  const volumes = member.mounts.map(mount => volumeMount(pod, mount, podFacts, facts))
  const kernel = kernelMounts(pod, member, machine).filter(
    mount => !taken.some(path => isAtOrBelow(mount.destination, path)),
  )
  const mounts = [
    ...kernel,
    ...[...sandbox, ...volumes].toSorted((a, b) => depth(a.destination) - depth(b.destination)),
  ]
  return rootfsPropagation(member) === 'rprivate' ? mounts : mounts.map(cutOff)
}

/** What a mount shares with the machine the root must not cut off. Source: containerd's CRI plugin, WithMounts. */
export function rootfsPropagation(member: MemberPlan): 'rprivate' | 'rslave' | 'rshared' {
  const used = new Set(member.mounts.map(mount => mount.propagation))
  if (used.has('rshared')) return 'rshared'
  return used.has('rslave') ? 'rslave' : 'rprivate'
}

/** Below a private root every mount is private; below another one that has to be said of each, at the cost of a call. */
function cutOff(mount: OciMount): OciMount {
  const isBind = mount.options.includes('rbind')
  if (!isBind || mount.options.includes('rslave') || mount.options.includes('rshared')) return mount
  return { ...mount, options: [...mount.options, 'rprivate'] }
}

function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`)
}

function depth(path: string): number {
  return path.split('/').length
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

function kernelMounts(pod: PodPlan, member: MemberPlan, machine: MachineFacts): readonly OciMount[] {
  const access = member.security.privileged ? 'rw' : 'ro'
  return [
    kernel('/proc', 'proc', 'proc', []),
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: [
        'nosuid',
        'noexec',
        'newinstance',
        'ptmxmode=0666',
        'mode=0620',
        ...(machine.rootless ? [] : ['gid=5']),
      ],
    },
    kernel('/dev/mqueue', 'mqueue', 'mqueue', []),
    sysMount(pod, machine, access),
    kernel('/sys/fs/cgroup', 'cgroup', 'cgroup', ['relatime', access]),
  ]
}

function kernel(destination: string, type: string, source: string, options: readonly string[]): OciMount {
  return { destination, type, source, options: ['nosuid', 'noexec', 'nodev', ...options] }
}

/** A new sysfs shows the network namespace it is mounted in, and only that namespace's owner may mount one. */
function sysMount(pod: PodPlan, machine: MachineFacts, access: string): OciMount {
  if (pod.network.mode === 'host' && (machine.rootless || pod.userNamespace)) {
    return kernel('/sys', 'bind', '/sys', ['rbind', access])
  }
  return kernel('/sys', 'sysfs', 'sysfs', [access])
}

function sandboxMounts(
  pod: PodPlan,
  member: MemberPlan,
  podFacts: PodFacts,
  facts: ContainerFacts,
): readonly OciMount[] {
  const dir = podFacts.sandboxDir
  const access = member.security.readOnlyRootfs ? 'ro' : 'rw'
  const shm = pod.infra.namespaces.ipc === 'host' ? '/dev/shm' : `${dir}/shm`
  return [
    bind('/dev/shm', shm, ['rw', 'nosuid', 'noexec', 'nodev']),
    ...(pod.hosts.managed ? [bind('/etc/hosts', `${dir}/hosts`, [access])] : []),
    ...(pod.imageHostname ? [] : [bind('/etc/hostname', `${dir}/hostname`, [access])]),
    bind('/etc/resolv.conf', `${dir}/resolv.conf`, [access]),
    bind(trimSlash(member.terminationMessagePath), facts.terminationLog, ['rw']),
  ]
}

function bind(destination: string, source: string, options: readonly string[]): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', ...options] }
}

function volumeMount(pod: PodPlan, mount: MountPlan, podFacts: PodFacts, facts: ContainerFacts): OciMount {
  const volume = pod.volumes.find(candidate => candidate.name === mount.volume)
  const source = mountSource(mount, podFacts, facts)
  const readOnly = mount.readOnly || (volume !== undefined && isReadOnly(volume))
  const recursive = readOnly && mount.recursiveReadOnly !== 'Disabled'
  // A bind mount begins with the flags it is given, not with those of what it shows.
  const image = volume?.kind === 'image' ? ['nosuid', 'nodev', 'noexec'] : []
  const propagation = mount.propagation === 'private' ? [] : [mount.propagation]
  const options = ['rbind', ...propagation, readOnly ? 'ro' : 'rw', ...(recursive ? ['rro'] : []), ...image]
  return { destination: absoluteDestination(mount), type: 'bind', source, options }
}

/** Never the whole volume in the place of a part of it. */
function mountSource(mount: MountPlan, podFacts: PodFacts, facts: ContainerFacts): string {
  const whole = mount.subPath === undefined && mount.subPathExpr === undefined
  const source = facts.subPaths?.[mount.destination] ?? (whole ? podFacts.volumePaths[mount.volume] : undefined)
  if (source !== undefined) return source
  const what = whole ? '' : `${mount.subPath ?? mount.subPathExpr} of `
  throw new KubeError('VolumeNotReady', `mount ${mount.destination}: ${what}volume ${mount.volume} is not there`)
}

/** Whatever the mount says: images, files that are replaced all at once, claims that ask for it. */
function isReadOnly(volume: VolumePlan): boolean {
  return volume.kind === 'image' || volume.kind === 'files' || (volume.kind === 'claim' && volume.readOnly)
}

/** A relative mountPath starts at the root of the container. Source: k8s.io/kubernetes/pkg/volume/util.MakeAbsolutePath. */
function absoluteDestination(mount: MountPlan): string {
  return trimSlash(mount.destination.startsWith('/') ? mount.destination : `/${mount.destination}`)
}
