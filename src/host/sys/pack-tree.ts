/** A file or directory as a tar stream. */
import { constants, createReadStream, openSync } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'

/** Whatever is in the file's place by then: neither a link is followed nor a FIFO waited for. */
const PLAIN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * What is at `path` under the name `name`: regular files, directories and symbolic links, owned by root. Anything else is
 * left out and told to `onSkip`. A failure ends the stream with it.
 */
export function packTree(path: string, name: string, onSkip: (path: string) => void): Readable {
  const tar = pack()
  addTree(path, name)
    .then(() => tar.finalize())
    .catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))))
  return tar as unknown as Readable

  async function addTree(from: string, as: string): Promise<void> {
    const stats = await lstat(from)
    const header = { name: as, mode: stats.mode & 0o7777, mtime: stats.mtime, uid: 0, gid: 0 }
    if (stats.isSymbolicLink()) {
      await addEmpty({ ...header, type: 'symlink' as const, linkname: await readlink(from) })
    } else if (stats.isDirectory()) {
      await addEmpty({ ...header, type: 'directory' as const })
      for (const child of (await readdir(from)).sort()) await addTree(join(from, child), `${as}/${child}`)
    } else if (stats.isFile()) {
      // No more than the header says: a file may grow meanwhile.
      if (stats.size === 0) return addEmpty({ ...header, type: 'file' })
      const entry = tar.entry({ ...header, type: 'file', size: stats.size })
      await pipeline(
        createReadStream(from, { fd: openSync(from, PLAIN), end: stats.size - 1 }),
        entry as unknown as NodeJS.WritableStream,
      )
    } else onSkip(from)
  }

  function addEmpty(header: Parameters<typeof tar.entry>[0]): Promise<void> {
    return new Promise((resolve, reject) => {
      tar.entry(header, '', error => (error ? reject(error) : resolve()))
    })
  }
}
