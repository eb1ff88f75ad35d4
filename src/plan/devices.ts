/** Device nodes, and which of them the device cgroup lets a container use. */
import { KubeError } from '../diagnostic.ts'
import type { ContainerFacts, MachineFacts } from './facts.ts'
import type { OciDevice, OciDeviceRule } from './oci-types.ts'
import type { MemberPlan } from './types.ts'

const DENY_ALL: OciDeviceRule = { allow: false, access: 'rwm' }

/** An infra container opens no device. */
export const INFRA_DEVICES: readonly OciDeviceRule[] = [DENY_ALL]

/** Making any node is allowed (CAP_MKNOD permitting), using one only if it is listed: as runc and crun have it. */
const DEFAULT_RULES: readonly OciDeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  character(1, 3), // null
  character(1, 5), // zero
  character(1, 7), // full
  character(1, 8), // random
  character(1, 9), // urandom
  character(5, 0), // tty
  character(5, 1), // console
  character(5, 2), // ptmx
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // pts
]

function character(major: number, minor: number): OciDeviceRule {
  return { allow: true, type: 'c', major, minor, access: 'rwm' }
}

type AllowedDevice = OciDevice & { readonly access?: string }

/** The nodes besides the runtime's own: all of the machine's for a privileged container, and the block volumes. */
export function memberDevices(
  member: MemberPlan,
  machine: MachineFacts,
  facts: ContainerFacts,
): readonly AllowedDevice[] {
  const all = member.security.privileged
    ? (machine.devices ?? []).map(({ mode, ...node }) => ({ ...node, fileMode: mode }))
    : []
  const volumes = member.devices.flatMap(({ volume, destination }) => {
    const device = facts.devices?.[volume]
    if (!device) {
      throw new KubeError('VolumeNotReady', `device ${destination}: volume ${volume} has no block device`)
    }
    const { mode, ...node } = device
    return [{ ...node, path: destination, fileMode: mode }]
  })
  const named = (facts.edits?.devices ?? []).map(({ mode, ...node }) => ({ ...node, fileMode: mode }))
  const byPath = new Map([...all, ...volumes, ...named].map(device => [device.path, device]))
  return [...byPath.values()]
}

export function deviceRules(member: MemberPlan, devices: readonly AllowedDevice[]): readonly OciDeviceRule[] {
  if (member.security.privileged) return [{ allow: true, access: 'rwm' }]
  const own = devices.map(({ type, major, minor, access = 'rwm' }) => ({ allow: true, type, major, minor, access }))
  return [DENY_ALL, ...DEFAULT_RULES, ...own]
}
