/** Reading files of a container's root file system. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** Bytes of a text file that are read at most: passwd files of real images have some kilobytes. */
const TEXT_LIMIT = 1024 * 1024

/** Reads a file below `root` without following any link on the way; an image's links point into the machine here. */
export function readInside(root: string, path: string): string {
  let at = root
  const steps = path.split('/').filter(Boolean)
  for (const [i, step] of steps.entries()) {
    at += `/${step}`
    const last = i === steps.length - 1
    let fd: number
    try {
      fd = openSync(
        at,
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | (last ? 0 : constants.O_DIRECTORY),
      )
    } catch {
      return ''
    }
    try {
      if (!last) continue
      const stats = fstatSync(fd)
      if (!stats.isFile()) return ''
      const buffer = Buffer.allocUnsafe(Math.min(stats.size, TEXT_LIMIT))
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))
    } finally {
      closeSync(fd)
    }
  }
  return ''
}
