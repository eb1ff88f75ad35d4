/**
 * The system calls Node.js has no API for, by koffi. The only file that imports it. Every function throws a system
 * error with `code` (`EBUSY`) and `errno`, as `node:fs` does.
 */

import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import type koffiModule from 'koffi'

type Koffi = typeof koffiModule
type Call = (...args: unknown[]) => number

/** Mount flags. Source: mount(2), linux/mount.h. */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  NOATIME: 1024,
  BIND: 4096,
  REC: 16384,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
} as const

/** Lets a busy mount go as soon as nothing uses it any more. Source: umount2(2). */
export const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8
const CLONE_NEWNET = 0x40000000

let koffi: Koffi | undefined
let libc: ReturnType<Koffi['load']> | undefined
const calls = new Map<string, Call>()

/** koffi costs milliseconds to load, so the first call does it, not the import. */
function call(signature: string): Call {
  const known = calls.get(signature)
  if (known) return known
  koffi ??= createRequire(import.meta.url)('koffi') as Koffi
  libc ??= koffi.load('libc.so.6')
  const made = libc.func(signature) as unknown as Call
  calls.set(signature, made)
  return made
}

function check(result: number, syscall: string, object: string): number {
  if (result >= 0) return result
  const errno = koffi!.errno()
  const code = getSystemErrorName(-errno)
  throw Object.assign(new Error(`${code}: ${syscall} ${object}`), { code, errno: -errno, syscall })
}

/** mount(2). `options` is the file system's own option string, at most one page. */
export function mount(
  source: string,
  target: string,
  type: string | null,
  flags: number,
  options: string | null,
): void {
  const f = call(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  )
  check(f(source, target, type, flags, options), 'mount', target)
}

/** umount2(2), never following a symbolic link. */
export function unmount(target: string, flags = 0): void {
  check(call('int umount2(const char *target, int flags)')(target, flags | UMOUNT_NOFOLLOW), 'umount', target)
}

/**
 * Runs `fn` with the calling thread in another network namespace and comes back whatever happens. `fn` must be
 * synchronous: sockets it opens stay in that namespace, but a pool thread started meanwhile would stay there too.
 */
export function withNetns<T>(path: string, fn: () => T): T {
  const setns = call('int setns(int fd, int nstype)')
  const home = openSync('/proc/self/ns/net', 'r')
  try {
    const there = openSync(path, 'r')
    try {
      check(setns(there, CLONE_NEWNET), 'setns', path)
    } finally {
      closeSync(there)
    }
    try {
      return fn()
    } finally {
      check(setns(home, CLONE_NEWNET), 'setns', '/proc/self/ns/net')
    }
  } finally {
    closeSync(home)
  }
}

const LOCK_EX = 2
const LOCK_NB = 4

/** flock(2), exclusive, not waiting: whether it was got. It goes with the file descriptor, so with the process too. */
export function tryLock(fd: number): boolean {
  const f = call('int flock(int fd, int operation)')
  if (f(fd, LOCK_EX | LOCK_NB) === 0) return true
  const code = getSystemErrorName(-koffi!.errno())
  if (code === 'EWOULDBLOCK' || code === 'EAGAIN') return false
  throw Object.assign(new Error(`${code}: flock`), { code })
}
