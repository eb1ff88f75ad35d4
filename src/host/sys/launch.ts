/**
 * Starting another program by posix_spawn(3). Node.js forks instead, which copies the page tables of a process of a
 * hundred megabytes and makes it fault on each page it writes afterwards: one to three milliseconds of the main thread for
 * each program. posix_spawn copies nothing, but its caller waits until the program runs, which takes a busy machine as long:
 * so that is done on a thread of the pool.
 */
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { callInPool, type ForeignFunction, library, systemError } from './foreign.ts'
import { insideMountNamespace } from './mount-namespace.ts'

const call = library('libc.so.6')

export interface Launch {
  /** A path, or a name that is looked up in this process's PATH. */
  readonly program: string
  readonly args: readonly string[]
  /** Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv
  /** Default: this process's own. */
  readonly cwd?: string
  /**
   * The program's file descriptors from 0 on: one of this process's (none below 3 but at its own place), or `null` for
   * /dev/null. It inherits no other.
   */
  readonly files: readonly (number | null)[]
  /** It begins a session of its own, without a terminal that could send it signals. Default false. */
  readonly newSession?: boolean
  /**
   * A mount namespace for it, by a file descriptor. Only the main thread can enter one, so that it waits, as long as the
   * program takes to be loaded. Default: this process's own.
   */
  readonly mountNamespace?: number | undefined
}

export interface Launched {
  readonly pid: number
  /** Exit status; 128 + n after signal n. It is not rejected. */
  readonly ended: Promise<number>
}

/** Bytes of posix_spawn_file_actions_t and posix_spawnattr_t, the same in glibc and musl on 64 bits. */
const ACTIONS_BYTES = 80
const ATTRIBUTES_BYTES = 336
const SIGNAL_SET_BYTES = 128
/** Source: spawn.h. */
const SETSIGDEF = 4
const SETSIGMASK = 8
const SETSID = 0x80

const O_RDWR = 2
const O_CLOEXEC = 0o2000000

const attributes = new Map<number, Buffer>()

/** As after a fork by Node.js: every signal unblocked and with its default meaning. */
function attributesOf(newSession: boolean): Buffer {
  const flags = SETSIGDEF | SETSIGMASK | (newSession ? SETSID : 0)
  const known = attributes.get(flags)
  if (known) return known
  const made = Buffer.alloc(ATTRIBUTES_BYTES)
  call('int posix_spawnattr_init(void *attr)')(made)
  call('int posix_spawnattr_setsigdefault(void *attr, const void *set)')(made, Buffer.alloc(SIGNAL_SET_BYTES, 0xff))
  call('int posix_spawnattr_setsigmask(void *attr, const void *set)')(made, Buffer.alloc(SIGNAL_SET_BYTES))
  call('int posix_spawnattr_setflags(void *attr, short flags)')(made, flags)
  attributes.set(flags, made)
  return made
}

/** What this process inherited itself is not closed at an exec. glibc 2.34 or newer can; elsewhere the program sees it. */
function closeFrom(): ForeignFunction | undefined {
  try {
    return call('int posix_spawn_file_actions_addclosefrom_np(void *actions, int from)')
  } catch {
    return undefined
  }
}

/**
 * Starts a program; the caller may close its `files` then. Fails with a system error (`ENOENT`, `EACCES`) when it can't be
 * started.
 */
export async function launch({
  program,
  args,
  env = process.env,
  cwd,
  files,
  newSession = false,
  mountNamespace,
}: Launch): Promise<Launched> {
  const actions = Buffer.alloc(ACTIONS_BYTES)
  call('int posix_spawn_file_actions_init(void *actions)')(actions)
  try {
    const open = call(
      'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, uint32_t mode)',
    )
    const duplicate = call('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)')
    files.forEach((fd, place) => {
      if (fd === null) open(actions, place, '/dev/null', O_RDWR, 0)
      else duplicate(actions, fd, place)
    })
    closeFrom()?.(actions, files.length)
    if (cwd !== undefined)
      call('int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)')(actions, cwd)
    const spawn = call(
      'int posix_spawnp(void *pid, const char *file, const void *actions, const void *attr, const char **argv, const char **envp)',
    )
    const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    const pid = Buffer.alloc(4)
    const words = [pid, program, actions, attributesOf(newSession), [program, ...args, null], [...variables, null]]
    const error =
      mountNamespace === undefined
        ? await callInPool(spawn, ...words)
        : insideMountNamespace(mountNamespace, () => spawn(...words))
    if (error !== 0) {
      const code = getSystemErrorName(-error)
      throw Object.assign(new Error(`${code}: spawn ${program}`), { code, errno: -error, syscall: 'spawn' })
    }
    const started = pid.readInt32LE()
    return { pid: started, ended: new Promise(resolve => waitFor(started, resolve)) }
  } finally {
    call('int posix_spawn_file_actions_destroy(void *actions)')(actions)
  }
}

const WNOHANG = 1

const living = new Map<number, (status: number) => void>()
let isListening = false
let look: NodeJS.Timeout | undefined
/** A thread other than the main one gets no signals, so it looks by itself, ever less often, up to this, in milliseconds. */
const LOOK_MS = 100

function waitFor(pid: number, ended: (status: number) => void): void {
  living.set(pid, ended)
  if (!isListening) {
    isListening = true
    process.on('SIGCHLD', reap)
  }
  // It may have ended before it was known here.
  if (!look) lookAgain(1)
}

/** It also keeps this process alive, which a listener for a signal does not. */
function lookAgain(pauseMs: number): void {
  look = setTimeout(() => {
    reap()
    if (living.size > 0) lookAgain(Math.min(pauseMs * 2, LOOK_MS))
  }, pauseMs)
}

/** Only asks for programs that were started here: what Node.js starts itself, it waits for itself. */
function reap(): void {
  const wait = call('int waitpid(int pid, void *status, int options)')
  const status = Buffer.alloc(4)
  for (const [pid, ended] of living) {
    const result = wait(pid, status, WNOHANG)
    if (result === 0) continue
    living.delete(pid)
    ended(result === pid ? exitStatus(status.readInt32LE()) : LOST_STATUS)
  }
  if (living.size === 0) {
    clearTimeout(look)
    look = undefined
  }
}

/** Of a program that someone else waited for. */
const LOST_STATUS = 255

/** Source: wait(2), WIFEXITED and the others. */
function exitStatus(status: number): number {
  const signal = status & 0x7f
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal
}

const MFD_CLOEXEC = 1

/** A file in memory, without a name, for what a program reads or prints: unlike a pipe it can't fill up or stay open. */
export interface MemoryFile extends Disposable {
  readonly fd: number
  /** What is in it. */
  text(): string
}

/** A reader begins at the start of `content`, and so does a writer. */
export function memoryFile(content = ''): MemoryFile {
  const fd = call('int memfd_create(const char *name, uint32_t flags)')('kube', MFD_CLOEXEC)
  if (fd < 0) throw systemError('memfd_create', 'kube')
  const bytes = Buffer.from(content)
  // Positions are named, so that the program finds the one it shares with this process at 0.
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at)
  return { fd, text: () => textOf(fd), [Symbol.dispose]: () => closeSync(fd) }
}

function textOf(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size)
  let length = 0
  while (length < bytes.length) {
    const count = readSync(fd, bytes, length, bytes.length - length, length)
    if (count === 0) break
    length += count
  }
  return bytes.toString('utf8', 0, length)
}

/** A pipe: the file descriptors to read from and to write to. The caller closes both. */
export function pipe(): readonly [read: number, write: number] {
  const ends = Buffer.alloc(8)
  if (call('int pipe2(void *ends, int flags)')(ends, O_CLOEXEC) < 0) throw systemError('pipe2', 'pipe')
  return [ends.readInt32LE(0), ends.readInt32LE(4)]
}
