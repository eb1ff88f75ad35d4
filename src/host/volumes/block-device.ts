/** Block devices behind `volumeDevices`. */
import { statSync } from 'node:fs'
import { KubeError } from '../../diagnostic.ts'
import type { DeviceFacts } from '../../plan/facts.ts'

/** Fails with `NotABlockDevice`. */
export function blockDevice(path: string): DeviceFacts {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isBlockDevice()) throw new KubeError('NotABlockDevice', `${path} is not a block device`)
  const { major, minor } = deviceNumber(stats.rdev)
  return { path, type: 'b', major, minor, mode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid }
}

/** The C library's makedev, undone: 12 bits of major and 8 of minor lie low, the rest of minor above them. */
function deviceNumber(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) }
}
