/** What only the machine knows of a pod and its containers, gathered for the planner. */
import { KubeError } from '../diagnostic.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { expandSubPath, manifestEnvironment } from '../plan/environment.ts'
import type { ContainerFacts, ImageDefaults, PodFacts } from '../plan/facts.ts'
import { podFileContents } from '../plan/file-contents.ts'
import { lacksContents, withContents } from '../plan/replan-files.ts'
import { seccompProfilePath } from '../plan/seccomp-profile.ts'
import type { MemberPlan, VolumePlan } from '../plan/types.ts'
import { resolveUser } from '../plan/user.ts'
import type { Host, PodRecord, UserNamespace, VolumeFiles } from './ports.ts'

export function podFacts(host: Host, record: PodRecord): PodFacts {
  const { uid, plan } = record
  return {
    uid,
    createdAt: record.createdAt,
    podIps: addressesOf(host, record),
    sandboxDir: host.volumes.sandboxDir(uid),
    infraProcess: host.runtime.infraProcess(host.infraId(uid)),
    cgroupPath: host.cgroupPath(uid),
    volumePaths: host.volumes.volumePaths(uid, plan),
    ...(plan.userNamespace ? { idMappings: idMappings(record) } : {}),
  }
}

/** Also of a pod that is over, and has given its address back. */
export function addressesOf(host: Host, { address, ended }: PodRecord): readonly string[] {
  const own = address ?? ended?.address
  return own === undefined ? host.machine.hostIps : [own]
}

/** Ids of a pod's user namespace. Source: the kubelet's user namespace manager, which hands out blocks of this size. */
const IDS = 65536
/** Blocks above those of people, services and their own subordinate ids. */
const FIRST_BLOCK = 8192
const BLOCKS = 32768

/** A block of the machine's ids that no other pod of this state root has: its address tells them apart. */
function idMappings({ uid, address }: PodRecord): NonNullable<PodFacts['idMappings']> {
  const [high = 0, low = 0] = (address ?? '').split('.').slice(2).map(Number)
  const number = address === undefined ? Number.parseInt(uid.slice(0, 8), 16) : high * 256 + low
  const mapping = { containerID: 0, hostID: (FIRST_BLOCK + (number % BLOCKS)) * IDS, size: IDS }
  return { uids: [mapping], gids: [mapping] }
}

/** The user namespace that a pod's infra container holds; undefined for a pod on the machine's own. */
export function userNamespace(host: Host, record: PodRecord): UserNamespace | undefined {
  const { idMappings, infraProcess } = podFacts(host, record)
  const root = idMappings?.uids[0]
  return root === undefined ? undefined : { path: `${infraProcess}/ns/user`, rootId: root.hostID }
}

/**
 * The contents of the pod's configMap, secret, downwardAPI and projected volumes. `lost`: what becomes of a volume whose
 * object is gone; without it that fails with `VolumeNotReady`.
 */
export function volumeFiles(host: Host, record: PodRecord, lost?: 'leave out'): VolumeFiles {
  const { uid } = record
  if (!record.plan.volumes.some(volume => volume.kind === 'files')) return {}
  const full = lacksContents(record.plan) ? withContents(record.plan, storedObjects(host)) : record.plan
  const plan = lost === undefined ? full : { ...full, volumes: full.volumes.filter(volume => !isLost(volume)) }
  return podFileContents({
    pod: plan,
    facts: podFacts(host, record),
    machine: host.machine,
    authority: host.authorityFor(uid, plan),
  })
}

function isLost(volume: VolumePlan): boolean {
  return volume.kind === 'files' && volume.files.some(file => 'stored' in file)
}

/** What volumes can be made of. */
function storedObjects(host: Host): readonly KubernetesObject[] {
  return ['ConfigMap', 'Secret'].flatMap(kind =>
    host.state.objects({ kind }).map(object => object.value as KubernetesObject),
  )
}

export interface ContainerRun {
  readonly id: string
  readonly attempt: number
}

/** Everything about one run of a container. Its root file system is mounted; its subPaths are, too, when this returns. */
export async function containerFacts(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  image: ImageDefaults,
  run: ContainerRun,
): Promise<ContainerFacts> {
  const { uid, plan } = record
  const text = (path: string) => host.volumes.readRootfsText(uid, member.name, path)
  const user = resolveUser(plan, member, image, { passwd: text('etc/passwd'), group: text('etc/group') })
  const pod = podFacts(host, record)
  const envFiles = readEnvFiles(host, member, pod)
  const inputs = { pod: plan, member, image, machine: host.machine, podFacts: pod, containerFacts: { user, envFiles } }
  const target = member.target === undefined ? undefined : targetProcess(record, member.target)
  const profile = seccompProfilePath(member.security.seccomp, host.machine)
  return {
    id: run.id,
    attempt: run.attempt,
    ...(target === undefined ? {} : { targetPid: target }),
    rootfs: host.volumes.rootfsPath(uid, member.name),
    user,
    terminationLog: host.volumes.terminationLog(uid, member.name),
    envFiles,
    subPaths: bindSubPaths(host, record, member, pod, () => manifestEnvironment(inputs)),
    devices: Object.fromEntries(
      member.devices.map(({ volume }) => [volume, host.volumes.blockDevice(volumePath(pod, volume))]),
    ),
    ...(member.deviceNames === undefined ? {} : { edits: await host.deviceEdits(member.deviceNames) }),
    ...(profile === undefined ? {} : { seccompProfile: host.seccompProfile(profile) }),
  }
}

function targetProcess({ containers }: PodRecord, name: string): number {
  const process = containers[name]?.process
  if (process === undefined) throw new KubeError('ContainerNotRunning', `container ${name} is not running`)
  return pidOf(process)
}

function readEnvFiles(host: Host, member: MemberPlan, pod: PodFacts): Readonly<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const variable of member.env) {
    if (!('file' in variable)) continue
    const { volume, path } = variable.file
    const text = host.volumes.readVolumeText(pod.uid, volumePath(pod, volume), path)
    if (text !== undefined) files[`${volume}/${path}`] = text
  }
  return files
}

function bindSubPaths(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  pod: PodFacts,
  environment: () => ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const paths: Record<string, string> = {}
  const users = userNamespace(host, record)
  for (const [index, mount] of member.mounts.entries()) {
    if (mount.subPath === undefined && mount.subPathExpr === undefined) continue
    const { volume } = mount
    const path = expandSubPath(mount, mount.subPathExpr === undefined ? new Map() : environment())
    paths[mount.destination] =
      path === undefined
        ? volumePath(pod, volume)
        : host.volumes.bindSubPath(record.uid, record.plan, { container: member.name, index, volume, path }, users)
  }
  return paths
}

function volumePath(pod: PodFacts, volume: string): string {
  const path = pod.volumePaths[volume]
  if (path === undefined) throw new KubeError('VolumeNotReady', `volume ${volume} is not there`)
  return path
}

/** A process identity begins with the number. */
export function pidOf(identity: string | undefined): number {
  return Number.parseInt(identity ?? '', 10)
}
