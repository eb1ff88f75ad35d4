/** Whether mounts can travel between the machine and a container. Source: mount_namespaces(7), containerd's CRI plugin. */
import { realpathSync } from 'node:fs'
import { KubeError } from '../../diagnostic.ts'
import { mountOf } from './mount-points.ts'

/** Fails with `NotShared` when what is mounted in the container could not be seen outside of it. */
export function requireShared(path: string): void {
  const real = realpathSync(path)
  const point = mountOf(real)
  if (point === undefined || point.propagation === 'shared') return
  throw new KubeError('NotShared', `path ${real} is mounted on ${point.path} but it is not a shared mount`, {
    hint: `\`mount --make-shared ${point.path}\` makes it one`,
  })
}

/** Whether nothing that the machine mounts below it later will be seen elsewhere. */
export function isPrivate(path: string): boolean {
  try {
    return mountOf(realpathSync(path))?.propagation === 'private'
  } catch {
    return false
  }
}
