/** What files take of the disk. */
import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Source: stat(2), st_blocks. */
const BLOCK_BYTES = 512

/** Bytes below a path, each file once however often it is linked; other file systems are not entered. */
export async function diskUsage(path: string): Promise<number> {
  const top = lstatSync(path, { throwIfNoEntry: false })
  return top === undefined ? 0 : usageBelow(path, top, new Set())
}

async function usageBelow(path: string, stats: Stats, seen: Set<number>): Promise<number> {
  if (stats.nlink > 1 && !stats.isDirectory()) {
    if (seen.has(stats.ino)) return 0
    seen.add(stats.ino)
  }
  const own = stats.blocks * BLOCK_BYTES
  if (!stats.isDirectory()) return own
  let sum = own
  for (const name of await readdir(path).catch(() => [])) {
    const child = await lstat(join(path, name)).catch(() => undefined)
    if (child && child.dev === stats.dev) sum += await usageBelow(join(path, name), child, seen)
  }
  return sum
}

/** Names of the directories in a directory; none when it is not there. */
export function directoriesIn(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}
