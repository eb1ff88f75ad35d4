/** What killed commands were making in the store. Who lives holds a lock of that name. */
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { removeTree } from '../sys/remove-tree.ts'
import { HeldLock } from './held-lock.ts'
import type { Layout } from './layout.ts'

export interface Scratch {
  /** Paths that nobody uses any more. */
  readonly dead: readonly string[]
  readonly isSomebodyWriting: boolean
}

/** Takes the locks of the dead away, and moves their directories to names that nobody locks. */
export function findScratch(layout: Layout): Scratch {
  const dead: string[] = []
  let isSomebodyWriting = false
  for (const id of new Set([...readdirSync(layout.tmp), ...readdirSync(layout.locks)])) {
    using lock = HeldLock.take(join(layout.locks, id))
    if (lock === undefined) isSomebodyWriting = true
    else if (existsSync(join(layout.tmp, id))) {
      // While the lock says that its maker is dead.
      const to = join(layout.tmp, id.startsWith('dead-') ? id : `dead-${id}`)
      renameSync(join(layout.tmp, id), to)
      dead.push(to)
    }
  }
  return { dead, isSomebodyWriting }
}

/** What cannot be removed now is left to the next command. */
export async function removeScratch(layout: Layout): Promise<void> {
  try {
    for (const path of findScratch(layout).dead) await removeTree(path)
  } catch {
    // See above.
  }
}
