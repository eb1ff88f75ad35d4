/**
 * Pods with a user namespace of their own (`hostUsers: false`). Everything that the OCI runtime mounts for them it reaches
 * as that namespace's root, who may pass through no directory of kube's, so that all of it is mounted once more in one
 * place; volumes and the layers of images with their owners seen through the namespace.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import type { UserNamespace } from '../../engine/ports.ts'
import { SANDBOX_FILES } from '../../plan/sandbox-files.ts'
import type { Layout } from '../layout.ts'
import { MS, mknod, mount, mountMapped } from '../sys/libc.ts'
import { removeTree } from '../sys/remove-tree.ts'
import { unmountAll, unmountBelow } from './mount-points.ts'
import { type LowerDirs, mountReadOnly, mountWritable } from './overlay.ts'

export interface MappedPods {
  /** Whether the pod is one of these. */
  has(uid: string): boolean
  /** Where the OCI runtime finds something of it. */
  path(uid: string, what: string): string
  /** Before the infra container starts. */
  prepare(uid: string): void
  /** Its root file system, which is there by now. */
  infraRootfs(uid: string): string
  /** Once it runs; by name. */
  mapVolumes(uid: string, paths: Readonly<Record<string, string>>, users: UserNamespace): void
  /** Any file or directory, at a place of the pod's own. */
  mapPath(source: string, target: string, users: UserNamespace): void
  /** The files of an image as a volume. */
  mountImage(uid: string, volume: string, lower: LowerDirs, users: UserNamespace): void
  mountRootfs(uid: string, container: string, lower: LowerDirs, users: UserNamespace): void
  unmountRootfs(uid: string, container: string): void
  remove(uid: string): Promise<void>
}

export function openMappedPods(layout: Layout): MappedPods {
  const path = (uid: string, what: string) => `${layout.mappedDir(uid)}/${what}`

  return {
    path,
    has: uid => existsSync(layout.mappedDir(uid)),
    prepare(uid) {
      mkdirSync(layout.mappedDir(uid), { recursive: true, mode: 0o711 })
      mkdirSync(layout.terminationDir(uid), { recursive: true, mode: 0o711 })
      bind(layout.sandboxDir(uid), path(uid, 'sandbox'))
      bind(layout.terminationDir(uid), path(uid, 'termination'))
      replaceNullDevice(path(uid, 'dev'))
    },
    infraRootfs(uid) {
      const target = path(uid, 'infra')
      unmountAll(target)
      bind(layout.infraRootfs, target)
      return target
    },
    mapVolumes(uid, paths, users) {
      // Before anything of worth is there: from now on it is passable for the namespace's root and nobody else.
      chownSync(layout.mappedDir(uid), users.rootId, users.rootId)
      chmodSync(layout.mappedDir(uid), 0o700)
      for (const name of SANDBOX_FILES) chownSync(`${layout.sandboxDir(uid)}/${name}`, users.rootId, users.rootId)
      mapAll(
        Object.entries(paths).map(([name, source]) => [source, path(uid, `volumes/${name}`)]),
        users,
      )
    },
    mapPath: (source, target, users) => mapAll([[source, target]], users),
    mountImage(uid, volume, lower, users) {
      const target = path(uid, `volumes/${volume}`)
      mkdirSync(target, { recursive: true, mode: 0o711 })
      withMappedLayers(path(uid, `layers/volumes/${volume}`), lower, users, layers => mountReadOnly(layers, target))
    },
    mountRootfs(uid, container, lower, users) {
      const directory = layout.layerDir(uid, container)
      withMappedLayers(path(uid, `layers/${container}`), lower, users, layers =>
        mountWritable(layers, directory, users.rootId),
      )
      bind(`${directory}/merged`, path(uid, `rootfs/${container}`))
    },
    unmountRootfs(uid, container) {
      unmountBelow(path(uid, `mounts/${container}`))
      unmountAll(path(uid, `rootfs/${container}`))
      unmountBelow(path(uid, `layers/${container}`))
    },
    async remove(uid) {
      unmountBelow(layout.mappedDir(uid))
      await removeTree(layout.mappedDir(uid))
      // With the last such pod; of others that are there it fails.
      await rmdir(dirname(layout.mappedDir(uid))).catch(() => {})
    },
  }
}

/** The kernel's number of it. Source: the kernel's devices.txt. */
const NULL = { major: 1, minor: 3 } as const

/**
 * A null device of the pod's own in the place of the machine's. crun 1.8 gives what a container has for its standard input
 * to the container's user, the machine's own /dev/null, which it shows in user namespaces, as well: and whoever owns that may
 * close it to everybody else.
 */
function replaceNullDevice(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  mount('tmpfs', directory, 'tmpfs', MS.NOSUID | MS.NOEXEC, 'mode=0711,size=4k')
  mknod(`${directory}/null`, constants.S_IFCHR | 0o666, NULL.major, NULL.minor)
  chmodSync(`${directory}/null`, 0o666)
  mount(`${directory}/null`, '/dev/null', null, MS.BIND, null)
}

function bind(source: string, target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o711 })
  mount(source, target, null, MS.BIND | MS.REC, null)
}

/** The layers of an image with their owners mapped, mounted below `directory` while `use` makes an overlay of them. */
function withMappedLayers(
  directory: string,
  { layersDir, names }: LowerDirs,
  users: UserNamespace,
  use: (lower: LowerDirs) => void,
): void {
  const short = names.map((_, index) => String(index))
  try {
    mapAll(
      names.map((name, index) => [`${layersDir}/${name}`, `${directory}/${index}`]),
      users,
    )
    use({ layersDir: directory, names: short })
  } finally {
    // The overlay has its own hold on them.
    for (const name of short) unmountAll(`${directory}/${name}`)
  }
}

function mapAll(pairs: readonly (readonly [source: string, target: string])[], users: UserNamespace): void {
  const namespace = openSync(users.path, 'r')
  try {
    for (const [source, target] of pairs) {
      if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true, mode: 0o711 })
      else {
        mkdirSync(dirname(target), { recursive: true, mode: 0o711 })
        writeFileSync(target, '')
      }
      map(source, target, namespace)
    }
  } finally {
    closeSync(namespace)
  }
}

function map(source: string, target: string, namespace: number): void {
  try {
    mountMapped(source, target, namespace)
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOSYS') throw error
    throw new KubeError('CannotMapOwners', `the file system of ${source} cannot map owners`, {
      cause: error,
      hint: 'remove hostUsers: false; Linux 6.3 can on tmpfs, ext4, xfs and btrfs',
    })
  }
}
