/**
 * The system calls Node.js has no API for. Every function throws a system error with `code` (`EBUSY`) and `errno`, as `node:fs` does.
 */

import { closeSync, openSync } from 'node:fs'
import { lastErrorCode, library, systemError } from './foreign.ts'

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

const call = library('libc.so.6')

function check(result: number, syscall: string, object: string): number {
  if (result >= 0) return result
  throw systemError(syscall, object)
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
  const code = lastErrorCode()
  if (code === 'EWOULDBLOCK' || code === 'EAGAIN') return false
  throw Object.assign(new Error(`${code}: flock`), { code })
}

const CLONE_FS = 0x200
const AT_FDCWD = -100

/** A name for a call that takes bytes: names need not be UTF-8. */
function cString(name: string | Buffer): Buffer {
  return Buffer.concat([typeof name === 'string' ? Buffer.from(name) : name, Buffer.of(0)])
}

/**
 * Gives the calling thread its own root and working directory (unshare(2), CLONE_FS) for good. Only synchronous calls
 * run on this thread, so whatever a later `changeRoot` confines must be synchronous.
 */
export function unshareFilesystem(): void {
  check(call('int unshare(int flags)')(CLONE_FS), 'unshare', 'CLONE_FS')
}

/** chroot(2) and chdir(2) of the calling thread to a path, or back to a directory held open. */
export function changeRoot(to: string | number): void {
  if (typeof to === 'number') check(call('int fchdir(int fd)')(to), 'fchdir', String(to))
  check(call('int chroot(const char *path)')(typeof to === 'number' ? '.' : to), 'chroot', String(to))
  check(call('int chdir(const char *path)')('/'), 'chdir', '/')
}

/** mknod(2). `mode` holds the type (S_IFCHR...) and the permissions, less the umask. */
export function mknod(path: string | Buffer, mode: number, major: number, minor: number): void {
  // The C library's makedev: 12 bits of major and 8 of minor lie low, the rest of both high.
  const device =
    ((BigInt(major) & 0xfffn) << 8n) |
    (BigInt(minor) & 0xffn) |
    ((BigInt(minor) & 0xffffff00n) << 12n) |
    ((BigInt(major) & 0xfffff000n) << 32n)
  const f = call('int mknodat(int fd, const void *path, unsigned int mode, uint64_t dev)')
  check(f(AT_FDCWD, cString(path), mode, device), 'mknod', String(path))
}

/** lsetxattr(2): of a symbolic link itself, creating or replacing. */
export function setxattr(path: string | Buffer, name: string, value: Buffer): void {
  const f = call('int lsetxattr(const void *path, const char *name, const void *value, size_t size, int flags)')
  check(f(cString(path), name, value, value.length, 0), 'setxattr', `${name} of ${path}`)
}

/** lgetxattr(2); undefined when there is no such attribute. Values are at most 64 KiB. */
export function getxattr(path: string | Buffer, name: string): Buffer | undefined {
  const f = call('long lgetxattr(const void *path, const char *name, void *value, size_t size)')
  const value = Buffer.alloc(65536)
  const length = f(cString(path), name, value, value.length)
  if (length < 0 && lastErrorCode() === 'ENODATA') return undefined
  return value.subarray(0, check(length, 'getxattr', `${name} of ${path}`))
}

/** Source: asm-generic/ioctls.h. */
const TIOCSWINSZ = 0x5414

/** ioctl(2) TIOCSWINSZ: tells a terminal, and so what runs in it, its size. */
export function setWindowSize(fd: number, rows: number, columns: number): void {
  const size = Buffer.alloc(8)
  size.writeUInt16LE(rows, 0)
  size.writeUInt16LE(columns, 2)
  const f = call('int ioctl(int fd, unsigned long request, void *argument)')
  check(f(fd, TIOCSWINSZ, size), 'ioctl', 'TIOCSWINSZ')
}

const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000

/** A TCP socket of the calling thread's network namespace, which it stays in: not connected yet. Source: socket(2). */
export function tcpSocket(family: 4 | 6): number {
  const f = call('int socket(int domain, int type, int protocol)')
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC
  return check(f(family === 4 ? AF_INET : AF_INET6, type, 0), 'socket', `IPv${family}`)
}

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_CLOEXEC = 0o2000000
/** Bytes of sun_path. Source: unix(7). */
const SOCKET_PATH_BYTES = 108

/** A file descriptor connected to a socket that keeps packets apart: each read gives one, each write sends one. */
export function connectSeqpacket(path: string): number {
  const name = cString(path)
  if (name.length > SOCKET_PATH_BYTES)
    throw Object.assign(new Error(`ENAMETOOLONG: connect ${path}`), { code: 'ENAMETOOLONG' })
  const address = Buffer.alloc(2 + SOCKET_PATH_BYTES)
  address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, 2)
  const socket = call('int socket(int domain, int type, int protocol)')
  const fd = check(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), 'socket', path)
  try {
    const connect = call('int connect(int fd, const void *address, unsigned int length)')
    check(connect(fd, address, address.length), 'connect', path)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/**
 * Calls newer than the C library's wrappers; their numbers are the same on every processor. Source: linux/openat2.h,
 * linux/mount.h, include/uapi/asm-generic/unistd.h.
 */
const SYS = { openTree: 428, moveMount: 429, openat2: 437, mountSetattr: 442 } as const

const O_CLOEXEC = 0o2000000
const RESOLVE_NO_MAGICLINKS = 2
const RESOLVE_BENEATH = 8
/** Times a walk is begun again that a rename on its way disturbed. */
const WALKS = 128

/**
 * Opens a path below the directory `fd`. No step of it may leave that directory, neither by `..`, nor by an absolute
 * link, nor by a link of /proc: that fails with `EXDEV` or `ELOOP`. Source: openat2(2).
 */
export function openBeneath(fd: number, path: string, flags: number): number {
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0)
  how.writeBigUInt64LE(BigInt(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS), 16)
  const f = call('long syscall(long number, int fd, const char *path, void *how, size_t size)')
  for (let walk = 1; ; walk++) {
    const result = f(SYS.openat2, fd, path, how, how.length)
    if (result >= 0) return result
    if (lastErrorCode() !== 'EAGAIN' || walk >= WALKS) throw systemError('openat2', path)
  }
}

const OPEN_TREE_CLONE = 1
const AT_EMPTY_PATH = 0x1000
const AT_RECURSIVE = 0x8000
const MOVE_MOUNT_F_EMPTY_PATH = 4
const MOUNT_ATTR_IDMAP = 0x100000

/**
 * Mounts `source` at `target` with its owners seen through a user namespace: what id 0 of the namespace is, owns what
 * id 0 of the machine owns. Fails with `EINVAL` where the file system cannot. Source: mount_setattr(2).
 */
export function mountMapped(source: string, target: string, userNamespace: number): void {
  const openTree = call('long syscall(long number, int fd, const char *path, unsigned int flags)')
  const tree = check(
    openTree(SYS.openTree, AT_FDCWD, source, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE),
    'open_tree',
    source,
  )
  try {
    const attributes = Buffer.alloc(32)
    attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_IDMAP), 0)
    attributes.writeBigUInt64LE(BigInt(userNamespace), 24)
    const setattr = call(
      'long syscall(long number, int fd, const char *path, unsigned int flags, void *attr, size_t size)',
    )
    const flags = AT_EMPTY_PATH | AT_RECURSIVE
    check(setattr(SYS.mountSetattr, tree, '', flags, attributes, attributes.length), 'mount_setattr', source)
    const move = call(
      'long syscall(long number, int from, const char *path, int to, const char *target, unsigned int flags)',
    )
    check(move(SYS.moveMount, tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), 'move_mount', target)
  } finally {
    closeSync(tree)
  }
}

const SHUT_WR = 1
const SHUT_RDWR = 2

/** shutdown(2): the other side's reads, and with `both` this side's too, come to their end. */
export function shutdownSocket(fd: number, both: boolean): void {
  check(call('int shutdown(int fd, int how)')(fd, both ? SHUT_RDWR : SHUT_WR), 'shutdown', String(fd))
}
