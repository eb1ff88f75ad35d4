/**
 * A read-only view of the OCI runtime's program. crun copies itself into memory and starts again, so that a container
 * can't overwrite it (CVE-2019-5736), unless it was started from a read-only mount, where nobody can write it anyway.
 * Being started once instead of twice saves 3 ms of processor time for every container.
 */
import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '../../diagnostic.ts'
import { MNT_DETACH, MS, mount, unmount } from '../sys/libc.ts'

/** Mounts `program` at `target`, unless it is there already; returns the path to start it by. */
export function mountReadOnly(program: string, target: string): string {
  if (isMounted(program, target)) return target
  try {
    unmountReadOnly(target)
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    closeSync(openSync(target, 'a', 0o500))
    mount(program, target, null, MS.BIND, null)
    mount('none', target, null, MS.BIND | MS.REMOUNT | MS.RDONLY | MS.NODEV | MS.NOSUID, null)
    return target
  } catch {
    // Without the right to mount, it is only slower.
    return program
  }
}

/** Whether the program is what is mounted there: an upgrade replaces the file, and the mount still shows the old one. */
function isMounted(program: string, target: string): boolean {
  const here = statSync(target, { throwIfNoEntry: false })
  const there = statSync(program, { throwIfNoEntry: false })
  return here !== undefined && there !== undefined && here.ino === there.ino && here.dev === there.dev
}

/** Takes the mount away; one that isn't there is gone already. */
export function unmountReadOnly(target: string): void {
  for (;;) {
    try {
      unmount(target, MNT_DETACH)
    } catch (error) {
      if (errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ENOENT') break
      throw error
    }
  }
  rmSync(target, { force: true })
}
