/** Linux capabilities: which there are, which a container has by default, and what a manifest adds and drops. */

/** Every capability of Linux 5.9 and later, in the kernel's numbering. Source: include/uapi/linux/capability.h. */
export const ALL_CAPABILITIES: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
]

/** What a container has unless its manifest says otherwise: podman's set. Source: containers/common, pkg/config. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]

/** Upper case, without `CAP_`. */
export function capabilityName(written: string): string {
  return written.toUpperCase().replace(/^CAP_/, '')
}

/**
 * The set a container gets. `ALL` is applied before single names, and a dropped single name wins over an added one, as
 * in containerd's CRI plugin.
 */
export function capabilitySet(add: readonly string[], drop: readonly string[]): readonly string[] {
  const added = add.map(capabilityName)
  const dropped = drop.map(capabilityName)
  const set = new Set(added.includes('ALL') ? ALL_CAPABILITIES : dropped.includes('ALL') ? [] : DEFAULT_CAPABILITIES)
  for (const name of added) if (name !== 'ALL') set.add(name)
  for (const name of dropped) set.delete(name)
  return [...set].toSorted()
}
