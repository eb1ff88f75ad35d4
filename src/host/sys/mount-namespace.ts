/**
 * Mount namespaces of other processes and of nobody: made, entered by this thread for the moment of a call, and left.
 *
 * A thread may enter one only while it shares its root and working directory with no other thread (EINVAL otherwise), so
 * that each call here first gives the main thread its own (unshare(2), CLONE_FS): threads that it has started since then
 * share them again. Those of Node.js's pool stay in the namespace that the process was started in.
 * Source: mount_namespaces(7), setns(2).
 */
import { closeSync, fstatSync, openSync, readlinkSync } from 'node:fs'
import { library, systemError } from './foreign.ts'
import { MS, mount, unshareFilesystem } from './libc.ts'

const CLONE_NEWNS = 0x20000
const OWN = '/proc/self/ns/mnt'
/** Refers to a directory without the right to read it. Source: open(2). */
const O_PATH = 0o10000000

const call = library('libc.so.6')

function check(result: number, syscall: string, object: string): void {
  if (result < 0) throw systemError(syscall, object)
}

/** The namespace this process was started in, open for as long as it runs. */
let home: number | undefined

function openHome(): number {
  home ??= openSync(OWN, 'r')
  return home
}

function enter(namespace: number): void {
  check(call('int setns(int fd, int nstype)')(namespace, CLONE_NEWNS), 'setns', 'mount namespace')
}

/** Where `insideMountNamespace` is right now: one inside another comes back to it. */
let current: number | undefined

/**
 * Runs `fn`, which must be synchronous, with the main thread in another mount namespace, given by a file descriptor, and
 * comes back whatever happens. The working directory is `/` meanwhile.
 */
export function insideMountNamespace<T>(namespace: number, fn: () => T): T {
  return away(() => enter(namespace), namespace, fn)
}

/**
 * A new mount namespace with all that is mounted here, as a file descriptor that keeps it; the caller closes it. What the
 * machine mounts and unmounts later shows in it, nothing of it shows elsewhere.
 */
export function makeMountNamespace(): number {
  const make = () => {
    check(call('int unshare(int flags)')(CLONE_NEWNS), 'unshare', 'CLONE_NEWNS')
    mount('none', '/', null, MS.REC | MS.SLAVE, null)
  }
  return away(make, undefined, () => openSync(OWN, 'r'))
}

function away<T>(leave: () => void, there: number | undefined, fn: () => T): T {
  unshareFilesystem()
  const back = current ?? openHome()
  const before = current
  const directory = openSync('.', O_PATH)
  try {
    try {
      leave()
      current = there
      return fn()
    } finally {
      current = before
      enter(back)
      check(call('int fchdir(int fd)')(directory), 'fchdir', '.')
    }
  } finally {
    closeSync(directory)
  }
}

/** What tells one mount namespace from another for as long as both are there: `mnt:[4026531841]`. */
export function ownMountNamespace(): string {
  return readlinkSync(OWN)
}

/** The machine's first one, where the kernel gives it a number of its own. Source: linux/nsfs.h, MNT_NS_INIT_INO. */
const INITIAL = `mnt:[${0xef_ff_ff_f8}]`

/**
 * Whether this one is there for as long as the machine is: the first process's. Others go with their last process, and their
 * numbers come again. Not every root may look at the first process.
 */
export function isInLastingMountNamespace(): boolean {
  const own = ownMountNamespace()
  if (own === INITIAL) return true
  try {
    return readlinkSync('/proc/1/ns/mnt') === own
  } catch {
    return false
  }
}

/** Whether an open file stands for a namespace, and not for a file where one was pinned: all of them are on one file system. */
export function isNamespace(fd: number): boolean {
  return fstatSync(fd).dev === fstatSync(openHome()).dev
}
