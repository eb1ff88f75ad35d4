/** The machine's device nodes: all that a privileged container gets. */
import { lstatSync, readdirSync } from 'node:fs'
import type { DeviceFacts } from '../../plan/facts.ts'

/** Directories of /dev that are file systems of their own in a container, or nothing but links to other nodes. */
const SKIPPED = new Set(['pts', 'shm', 'mqueue', 'fd', 'hugepages', '.lxc', '.lxd-mounts', '.udev'])

/** The container's console is its own. */
const OWN_NODES = new Set(['/dev/console', '/dev/ptmx', '/dev/tty'])

/** Every node below /dev, whatever its depth. A node that goes away meanwhile is left out. */
export function deviceNodes(directory = '/dev'): readonly DeviceFacts[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = `${directory}/${entry.name}`
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : deviceNodes(path)
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return []
    return OWN_NODES.has(path) ? [] : nodeAt(path)
  })
}

/** Source of the encoding: makedev(3), as glibc and musl have it. */
function nodeAt(path: string): readonly DeviceFacts[] {
  const stats = lstatSync(path, { throwIfNoEntry: false, bigint: true })
  if (!stats) return []
  const device = stats.rdev
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n)
  return [
    {
      path,
      type: stats.isBlockDevice() ? 'b' : 'c',
      major: Number(major),
      minor: Number(minor),
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
    },
  ]
}
