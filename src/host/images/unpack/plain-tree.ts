/**
 * Makes a tree of regular files, directories and links that lead nowhere else, from an archive that nobody vouches for. It
 * writes to a directory that it has open, of its own and closed to others; links are made last, so that no name on the way
 * is one.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { errnoOf } from '../../../diagnostic.ts'
import { openBeneath } from '../../sys/libc.ts'
import { FileWriter } from './file-writer.ts'
import { latin1, TarError } from './tar-header.ts'
import { show, type TarEntry, type TarSink } from './tar-reader.ts'

export interface PlainTreeOptions {
  /** Absolute path of an empty directory. */
  readonly directory: string
  /** What was asked for: the name of the one file or directory that the archive holds. */
  readonly name: string
  /** An entry that was not made, as text, and what it is. */
  readonly onSkip: (path: string, what: string) => void
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
/** Source: asm-generic/fcntl.h. */
const O_PATH = 0o10000000
/** No set-uid, set-gid and sticky bits, and what only the owner may write, as by the usual umask of 022. */
const MODES = 0o755
/** PATH_MAX without room for the NUL, and for what stands before it. */
const PATH_BYTES_MAX = 4000
/** Bytes of names and targets that wait for the end of the archive. */
const LINK_BYTES_MAX = 256 * 1024 * 1024

export class PlainTree implements TarSink, Disposable {
  readonly #root: number
  readonly #top: string
  readonly #onSkip: PlainTreeOptions['onSkip']
  /** Path to target, as binary strings. */
  readonly #links = new Map<string, string>()
  #linkBytes = 0
  /** Directories whose owner could not fill them. */
  readonly #closed = new Map<string, number>()
  #entry: TarEntry | undefined
  #file: FileWriter | undefined

  constructor({ directory, name, onSkip }: PlainTreeOptions) {
    this.#root = openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    this.#top = latin1(Buffer.from(name))
    this.#onSkip = onSkip
  }

  entry(entry: TarEntry): void {
    this.#entry = entry
    const path = this.#inside(entry.path)
    if (path === undefined) throw new TarError(`entry ${show(abridged(entry.path))} is not of what was asked for`)
    try {
      this.#make(entry, path)
    } catch (error) {
      throw explained(error, entry)
    }
  }

  data(bytes: Uint8Array): void {
    try {
      this.#file?.write(bytes)
    } catch (error) {
      throw explained(error, this.#entry!)
    }
  }

  end(): void {
    if (this.#file === undefined) return
    try {
      this.#file.finish()
      fchmodSync(this.#file.fd, this.#entry!.mode & MODES)
    } catch (error) {
      throw explained(error, this.#entry!)
    } finally {
      this.#closeFile()
    }
  }

  /** The archive is at its end: links are made, and directories closed that are to be. */
  finish(): void {
    for (const path of this.#links.keys()) if (this.#isBelowLink(path)) this.#dropLink(path)
    for (const path of this.#links.keys()) this.#link(path)
    this.#removeEscaping()
    for (const [path, mode] of [...this.#closed].reverse()) chmodSync(this.#at(path), mode)
  }

  [Symbol.dispose](): void {
    this.#closeFile()
    closeSync(this.#root)
  }

  #closeFile(): void {
    if (this.#file) closeSync(this.#file.fd)
    this.#file = undefined
  }

  /** Its path below the directory; undefined when that is not what was asked for or anything below it. */
  #inside(path: string): string | undefined {
    const parts = path.split('/').filter(part => part !== '' && part !== '.')
    if (path.startsWith('/') || parts.includes('..') || parts[0] !== this.#top) return undefined
    const text = parts.join('/')
    return text.length > PATH_BYTES_MAX ? undefined : text
  }

  #at(path: string): Buffer {
    return Buffer.from(`/proc/self/fd/${this.#root}/${path}`, 'latin1')
  }

  #skip(entry: { readonly path: string }, what: string): void {
    this.#onSkip(Buffer.from(entry.path, 'latin1').toString('utf8'), what)
  }

  #make(entry: TarEntry, path: string): void {
    switch (entry.type) {
      case 'file':
        this.#replace(path)
        this.#file = new FileWriter(
          this.#placed(path, () => openSync(this.#at(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)),
          entry,
        )
        return
      case 'dir':
        this.#directory(path, entry.mode & MODES)
        return
      case 'symlink':
        this.#replace(path)
        this.#linkBytes += path.length + entry.linkPath.length
        if (this.#linkBytes > LINK_BYTES_MAX) throw new TarError('it holds too many links')
        this.#links.set(path, entry.linkPath)
        return
      case 'link':
        this.#hardLink(entry, path)
        return
      default:
        this.#skip(entry, entry.type === 'fifo' ? 'a FIFO' : 'a device')
    }
  }

  #directory(path: string, mode: number): void {
    this.#links.delete(path)
    try {
      this.#placed(path, () => mkdirSync(this.#at(path), 0o700))
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || !this.#stat(path)?.isDirectory()) throw error
    }
    chmodSync(this.#at(path), mode | 0o700)
    if ((mode & 0o700) === 0o700) this.#closed.delete(path)
    else this.#closed.set(path, mode)
  }

  #hardLink(entry: TarEntry, path: string): void {
    const target = this.#inside(entry.linkPath)
    const link = target === undefined ? undefined : this.#links.get(target)
    if (target === undefined || target === path || (link === undefined && !this.#stat(target)?.isFile()))
      this.#skip(entry, `a hard link to ${show(abridged(entry.linkPath))}`)
    else {
      this.#replace(path)
      if (link === undefined) this.#placed(path, () => linkSync(this.#at(target), this.#at(path)))
      else this.#links.set(path, link)
    }
  }

  /** A later entry of a name stands for the earlier one. */
  #replace(path: string): void {
    this.#links.delete(path)
    if (this.#stat(path)?.isFile()) unlinkSync(this.#at(path))
  }

  #stat(path: string): ReturnType<typeof lstatSync> {
    try {
      return lstatSync(this.#at(path), { throwIfNoEntry: false })
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') return undefined
      throw error
    }
  }

  /** Runs `make`; directories that the archive leaves out are made for it. */
  #placed<T>(path: string, make: () => T): T {
    try {
      return make()
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')))
      if (parent === '') throw error
      this.#placed(parent, () => mkdirSync(this.#at(parent), MODES))
      return make()
    }
  }

  /** To make it would be to follow that link. */
  #isBelowLink(path: string): boolean {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      if (this.#links.has(path.slice(0, at))) return true
    }
    return false
  }

  #link(path: string): void {
    const target = this.#links.get(path)!
    const isThere = this.#stat(path) !== undefined
    if (isThere || target === '' || target.length > PATH_BYTES_MAX || !staysInside(path, target)) this.#dropLink(path)
    else this.#placed(path, () => symlinkSync(Buffer.from(target, 'latin1'), this.#at(path)))
  }

  #dropLink(path: string): void {
    this.#skip({ path }, `a link to ${show(abridged(this.#links.get(path)!))}`)
    this.#links.delete(path)
  }

  /** A link by way of another may still lead out: the kernel tells. */
  #removeEscaping(): void {
    if (this.#links.size === 0) return
    const top = openBeneath(this.#root, this.#top, O_PATH | O_DIRECTORY)
    try {
      for (const path of this.#links.keys()) {
        try {
          closeSync(openBeneath(top, Buffer.from(path.slice(this.#top.length + 1), 'latin1'), O_PATH))
        } catch (error) {
          const code = errnoOf(error)
          // It leads to nothing at all.
          if (code === 'ENOENT' || code === 'ENOTDIR') continue
          if (code !== 'EXDEV' && code !== 'ELOOP') throw error
          rmSync(this.#at(path))
          this.#dropLink(path)
        }
      }
    } finally {
      closeSync(top)
    }
  }
}

/** Whether the target of a link at `path` is below the first part of that, read as text. */
function staysInside(path: string, target: string): boolean {
  let depth = path.split('/').length - 2
  if (target.startsWith('/') || depth < 0) return false
  for (const part of target.split('/')) {
    if (part === '..') depth--
    else if (part !== '' && part !== '.') depth++
    if (depth < 0) return false
  }
  return true
}

function abridged(name: string): string {
  return name.length <= 200 ? name : `${name.slice(0, 200)}...`
}

/** What the archive is to blame for; a full disk and the like are not. */
function explained(error: unknown, entry: TarEntry): unknown {
  const code = errnoOf(error)
  const words: Readonly<Record<string, string>> = {
    EEXIST: 'it is there already as something else',
    ENOTDIR: 'a part of its name is not a directory',
    ENAMETOOLONG: 'its name is too long',
    EFBIG: 'it is too large',
    EISDIR: 'it is there already as a directory',
  }
  const reason = code === undefined ? undefined : words[code]
  return reason === undefined ? error : new TarError(`entry ${show(abridged(entry.path))}: ${reason}`)
}
