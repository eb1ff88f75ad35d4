/**
 * Each pod's own mount namespace. Everything that is mounted for a pod is mounted in there, and nowhere else: the OCI
 * runtime copies and reads the whole table of mounts that it is started in, so that a container costs the same beside a
 * thousand others; whatever removes directories on the machine cannot walk into what is mounted for a pod; and all of it is
 * gone with the namespace, however a command ended.
 *
 * A namespace lives as long as something holds it: here a file of the run-time directory, named after the pod, that it is
 * mounted on (its "pin"), and the monitors of the pod's containers, which run in it. The pins are below one private mount,
 * without which the kernel would refuse them, and are no part of the copy that another namespace begins with.
 * Source: mount_namespaces(7); unshare(1), on persistent namespaces.
 */
import { closeSync, constants, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import type { Layout } from '../layout.ts'
import { MS, mount } from '../sys/libc.ts'
import { lockNow } from '../sys/lock.ts'
import {
  insideMountNamespace,
  isInLastingMountNamespace,
  isNamespace,
  makeMountNamespace,
} from '../sys/mount-namespace.ts'
import { namesIn } from '../sys/names-in.ts'
import { mountOf, removeMountPoint, unmountAll } from './mount-points.ts'

export interface PodNamespaces {
  /**
   * Makes the pod's, unless it is there. Where the first process has other mounts than this one, there is none: a supervisor
   * has to have the mounts that this process has, which would be gone with it, and the monitors of the containers keep them.
   */
  make(uid: string): void
  /**
   * Runs `fn`, which must be synchronous, with the pod's mounts. A pod that has no namespace has its mounts on the machine:
   * an earlier version of kube made it, the kernel would hold none, or `make` made none.
   */
  inside<T>(uid: string, fn: () => T): T
  /** A file descriptor that stands for it, to be closed by the caller; undefined when the pod has none. */
  open(uid: string): number | undefined
  /** Lets go of it: its mounts are gone when the last process in it has ended. Nothing when there is none. */
  remove(uid: string): void
  /** Pods that have one. */
  uids(): readonly string[]
  /** Takes away what holds them all: no pod is left. */
  release(): void
}

export function openPodNamespaces(layout: Layout): PodNamespaces {
  const directory = layout.namespacesDir
  const pinOf = (uid: string) => `${directory}/${uid}`
  let isReady = false

  function prepare(): void {
    if (isReady) return
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    using _lock = lockNow(layout.namespacesLock)
    if (mountOf(directory)?.path !== directory) mount(directory, directory, null, MS.BIND, null)
    mount('none', directory, null, MS.PRIVATE, null)
    isReady = true
  }

  const open = (uid: string) => openPin(pinOf(uid))

  return {
    open,
    make(uid) {
      const there = open(uid)
      if (there !== undefined) return closeSync(there)
      if (!isInLastingMountNamespace()) return
      prepare()
      const made = makeMountNamespace()
      try {
        pin(made, pinOf(uid))
      } finally {
        closeSync(made)
      }
    },
    inside(uid, fn) {
      const namespace = open(uid)
      if (namespace === undefined) return fn()
      try {
        return insideMountNamespace(namespace, fn)
      } finally {
        closeSync(namespace)
      }
    },
    remove: uid => removeMountPoint(pinOf(uid)),
    uids: () => namesIn(directory),
    release() {
      for (const uid of namesIn(directory)) removeMountPoint(pinOf(uid))
      unmountAll(directory)
      isReady = false
    },
  }
}

/** Undefined where there is no file, or no namespace on it. */
function openPin(path: string): number | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
  if (isNamespace(fd)) return fd
  closeSync(fd)
  return undefined
}

function pin(namespace: number, path: string): void {
  writeFileSync(path, '', { mode: 0o600 })
  try {
    mount(`/proc/self/fd/${namespace}`, path, null, MS.BIND, null)
  } catch (error) {
    rmSync(path, { force: true })
    // A namespace can hold only younger ones. Since Linux 6.18 the kernel takes some for older that were made on another
    // processor, beside any namespace but the machine's first: in a container, that is.
    if (errnoOf(error) !== 'EINVAL') throw error
  }
}
