/**
 * Makes the file tree of one layer from its tar entries, in overlayfs form. It works on `/`: its thread is confined to the
 * fresh layer directory by chroot, so whatever an entry's name or a symbolic link says, the kernel resolves it inside.
 * Every call is synchronous, because only this thread is confined.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  symlinkSync,
} from 'node:fs'
import { errnoOf } from '../../../diagnostic.ts'
import { getxattr, mknod, setxattr } from '../../sys/libc.ts'
import { FileWriter } from './file-writer.ts'
import { TarError } from './tar-header.ts'
import { show, type TarEntry, type TarSink } from './tar-reader.ts'

const WHITEOUT_PREFIX = '.wh.'
/** aufs' own files (`.wh..wh.plnk`); only `.wh..wh..opq` means something. Source: OCI image spec, layer.md. */
const META_PREFIX = '.wh..wh.'
const OPAQUE_MARKER = '.wh..wh..opq'
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, S_IFBLK, S_IFCHR, S_IFIFO } = constants
/** PATH_MAX without room for the NUL. */
const PATH_BYTES_MAX = 4095

export interface TreeOptions {
  /** In the first user namespace overlayfs reads `trusted.overlay.*` and devices can be made; elsewhere `user.overlay.*`, and devices are left out. */
  readonly initialUserns: boolean
}

export interface TreeResult {
  /** Bytes of regular files, hard links counted once, holes not counted. */
  readonly sizeBytes: number
  readonly entries: number
  /** The layer hides everything below it. */
  readonly opaqueRoot: boolean
}

/** Paths that are pure ASCII go to the system as they are; others byte for byte. */
function sys(path: string): string | Buffer {
  for (let i = 0; i < path.length; i++) if (path.charCodeAt(i) > 127) return Buffer.from(path, 'latin1')
  return path
}

/** `a/./b//c` and `/a/b/c` are `/a/b/c`; throws for a name that leads out of the layer. The root is ''. */
function clean(path: string, entry: TarEntry): string {
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') kept.push(part)
    else if (kept.pop() === undefined) throw new TarError(`entry ${show(entry.path)} leads out of the layer`)
  }
  const text = kept.length === 0 ? '' : `/${kept.join('/')}`
  if (text.length > PATH_BYTES_MAX)
    throw new TarError(`entry ${show(entry.path.slice(0, 60))}...: its name is longer than ${PATH_BYTES_MAX} bytes`)
  return text
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function lstat(path: string): Stats | undefined {
  return lstatSync(sys(path), { throwIfNoEntry: false })
}

function isWhiteout(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0
}

/** Extended attributes that would change how overlayfs reads the tree, or that belong to this host and not to the image. */
function isForeignAttribute(name: string): boolean {
  return (
    /^(?:trusted|user)\.overlay\./.test(name) ||
    name === 'security.selinux' ||
    name === 'security.ima' ||
    name === 'security.evm'
  )
}

export class TreeWriter implements TarSink {
  readonly #initialUserns: boolean
  readonly #opaqueAttribute: string
  /** Directories' modification times are set last: making what is in them changes them. */
  readonly #dirTimes = new Map<string, number>()
  #entry: TarEntry | undefined
  #path = ''
  #file: FileWriter | undefined
  #sizeBytes = 0
  #entries = 0
  #opaqueRoot = false

  constructor(options: TreeOptions) {
    this.#initialUserns = options.initialUserns
    this.#opaqueAttribute = options.initialUserns ? 'trusted.overlay.opaque' : 'user.overlay.opaque'
  }

  entry(entry: TarEntry): void {
    this.#entry = entry
    this.#entries++
    this.#path = clean(entry.path, entry)
    const path = this.#path
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (name.startsWith(WHITEOUT_PREFIX)) {
      this.#whiteout(parentOf(path), name)
      return
    }
    try {
      this.#make(entry, path)
    } catch (error) {
      throw this.#explain(error, entry)
    }
  }

  data(bytes: Uint8Array): void {
    try {
      this.#file?.write(bytes)
    } catch (error) {
      throw this.#explain(error, this.#entry!)
    }
  }

  end(): void {
    const entry = this.#entry
    const file = this.#file
    if (file === undefined || entry === undefined) return
    try {
      file.finish()
      fchownSync(file.fd, entry.uid, entry.gid)
      // After chown, which takes setuid and setgid away.
      fchmodSync(file.fd, entry.mode)
      this.#attributes(entry, this.#path)
      futimesSync(file.fd, entry.mtime, entry.mtime)
    } catch (error) {
      throw this.#explain(error, entry)
    } finally {
      this.abandon()
    }
    this.#sizeBytes += file.written
  }

  /** Sets the directories' times; the tree is complete after it. */
  finish(): TreeResult {
    for (const [path, mtime] of this.#dirTimes) {
      try {
        lutimesSync(sys(path === '' ? '/' : path), mtime, mtime)
      } catch (error) {
        // A later entry took its place, or that of a parent.
        if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error
      }
    }
    return { sizeBytes: this.#sizeBytes, entries: this.#entries, opaqueRoot: this.#opaqueRoot }
  }

  /** Closes what is open, after a failure. */
  abandon(): void {
    if (this.#file) closeSync(this.#file.fd)
    this.#file = undefined
  }

  #make(entry: TarEntry, path: string): void {
    if (path === '') {
      if (entry.type !== 'dir') throw new TarError('an entry replaces the root directory by something else')
      this.#settle(entry, '/')
      this.#dirTimes.set('', entry.mtime)
      return
    }
    switch (entry.type) {
      case 'file':
        this.#file = new FileWriter(
          this.#placed(path, () => openSync(sys(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)),
          entry,
        )
        return
      case 'dir':
        this.#directory(entry, path)
        return
      case 'symlink':
        if (entry.linkPath === '') throw new TarError(`entry ${show(entry.path)}: a symbolic link without target`)
        this.#placed(path, () => symlinkSync(sys(entry.linkPath), sys(path)))
        this.#settle(entry, path)
        return
      case 'link': {
        const target = clean(entry.linkPath, entry)
        if (target === path) return
        if (target === '') throw new TarError(`entry ${show(entry.path)}: a hard link to the root directory`)
        this.#placed(path, () => linkSync(sys(target), sys(path)))
        return
      }
      case 'char':
      case 'block':
      case 'fifo': {
        if (!this.#initialUserns && entry.type !== 'fifo') return
        const kind = entry.type === 'fifo' ? S_IFIFO : entry.type === 'char' ? S_IFCHR : S_IFBLK
        this.#placed(path, () => mknod(sys(path), kind | 0o600, entry.devMajor, entry.devMinor))
        this.#settle(entry, path)
        return
      }
    }
  }

  #directory(entry: TarEntry, path: string): void {
    const before = lstat(path)
    if (!before?.isDirectory()) {
      this.#placed(path, () => mkdirSync(sys(path), 0o700))
      // A whiteout of this same layer is for what is below: the new directory must not let that show through.
      if (before && isWhiteout(before)) setxattr(sys(path), this.#opaqueAttribute, Buffer.from('y'))
    }
    this.#settle(entry, path)
    this.#dirTimes.delete(path)
    this.#dirTimes.set(path, entry.mtime)
  }

  /** Runs `make`; makes room or parents for it when it turns out that they are needed. */
  #placed<T>(path: string, make: () => T): T {
    for (let attempt = 0; ; attempt++) {
      try {
        return make()
      } catch (error) {
        const code = errnoOf(error)
        if (attempt >= 2) throw error
        if (code === 'EEXIST') rmSync(sys(path), { recursive: true, force: true })
        else if (code === 'ENOENT' && !lstat(parentOf(path))) this.#parents(parentOf(path))
        else throw error
      }
    }
  }

  /** Directories that the archive leaves out: root's, 0755, as docker and podman make them. */
  #parents(path: string): void {
    if (path === '') return
    try {
      mkdirSync(sys(path), 0o755)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      this.#parents(parentOf(path))
      mkdirSync(sys(path), 0o755)
    }
    chmodSync(sys(path), 0o755)
  }

  /** Owner, mode, attributes and time of what was made by name. A symbolic link is never followed. */
  #settle(entry: TarEntry, path: string): void {
    const at = sys(path)
    lchownSync(at, entry.uid, entry.gid)
    if (entry.type !== 'symlink') chmodSync(at, entry.mode)
    this.#attributes(entry, path)
    if (entry.type !== 'dir') lutimesSync(at, entry.mtime, entry.mtime)
  }

  #attributes(entry: TarEntry, path: string): void {
    for (const [name, value] of entry.xattrs) {
      if (isForeignAttribute(name)) continue
      try {
        setxattr(sys(path), Buffer.from(name, 'latin1').toString('utf8'), Buffer.from(value, 'latin1'))
      } catch (error) {
        // The file system or this user namespace may not know it; podman and docker go on too.
        const code = errnoOf(error)
        if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'EPERM') throw error
      }
    }
  }

  #whiteout(parent: string, name: string): void {
    if (name === OPAQUE_MARKER) {
      if (parent === '') this.#opaqueRoot = true
      else {
        if (!lstat(parent)) this.#parents(parent)
        setxattr(sys(parent), this.#opaqueAttribute, Buffer.from('y'))
      }
      return
    }
    if (name.startsWith(META_PREFIX)) return
    const hidden = name.slice(WHITEOUT_PREFIX.length)
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw new TarError(`entry ${show(this.#entry!.path)}: not a whiteout of anything`)
    const path = `${parent}/${hidden}`
    const there = lstat(path)
    // What this layer itself holds stays; a directory then stands alone, without what is below.
    if (there?.isDirectory()) setxattr(sys(path), this.#opaqueAttribute, Buffer.from('y'))
    else if (!there) this.#placed(path, () => mknod(sys(path), S_IFCHR, 0, 0))
  }

  #explain(error: unknown, entry: TarEntry): unknown {
    if (error instanceof TarError) return error
    const code = errnoOf(error)
    // What the archive itself is to blame for; a full disk and the like are not.
    const blame: Readonly<Record<string, string>> = {
      ENOENT:
        entry.type === 'link'
          ? `hard link to ${show(entry.linkPath)}, which is not in the layer`
          : 'its directory is not in the layer',
      ENOTDIR: 'a part of its name is not a directory',
      ELOOP: 'too many symbolic links in its name',
      ENAMETOOLONG: 'its name is too long',
      EFBIG: 'it is too large',
      EISDIR: 'it would replace a directory',
      EPERM: entry.type === 'link' ? `hard link to ${show(entry.linkPath)}, which cannot be linked` : '',
    }
    const reason = code === undefined ? undefined : blame[code]
    return reason ? new TarError(`entry ${show(entry.path)}: ${reason}`) : error
  }
}

/** Whether `path` carries the mark of an opaque directory; for tests and checks. */
export function isOpaque(path: string, initialUserns: boolean): boolean {
  return getxattr(path, initialUserns ? 'trusted.overlay.opaque' : 'user.overlay.opaque')?.toString() === 'y'
}
