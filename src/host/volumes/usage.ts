/** Bytes that a directory takes up on its disk. */
import { lstatSync, readdirSync } from 'node:fs'
import { setImmediate as yieldTurn } from 'node:timers/promises'

/** Directories looked at before others get a turn: a supervisor has probes to run meanwhile. */
const TURN = 32

/** As du(1) counts: blocks, each file once however many names it has, and nothing of other file systems. */
export async function diskUsage(directory: string): Promise<number> {
  const seen = new Set<string>()
  const top = lstatSync(directory, { throwIfNoEntry: false })
  if (!top) return 0
  const pending = [directory]
  let bytes = top.blocks * 512
  for (let at = pending.pop(), turn = 1; at !== undefined; at = pending.pop(), turn++) {
    if (turn % TURN === 0) await yieldTurn()
    for (const name of entries(at)) {
      const path = `${at}/${name}`
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (!stats || stats.dev !== top.dev) continue
      if (stats.nlink > 1 && !stats.isDirectory()) {
        const key = `${stats.dev}:${stats.ino}`
        if (seen.has(key)) continue
        seen.add(key)
      }
      bytes += stats.blocks * 512
      if (stats.isDirectory()) pending.push(path)
    }
  }
  return bytes
}

/** A directory that was removed meanwhile holds nothing. */
function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
