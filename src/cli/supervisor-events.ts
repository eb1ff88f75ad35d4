/** What wakes the supervisor: the ends of containers, and commands that changed pods. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Layout } from '../host/layout.ts'
import { namesIn, timesOf, watchPath } from '../host/sys/watch.ts'
import type { SupervisorEvents } from '../supervisor/supervise.ts'

/** Where the kernel has no watch left, how often is looked for ends and for commands, in milliseconds. */
const POLL_MS = 50

export function supervisorEvents({ exitsDir, pokeFile }: Layout): SupervisorEvents {
  return {
    watchExits(told) {
      mkdirSync(exitsDir, { recursive: true, mode: 0o700 })
      return watchPath(exitsDir, {
        snapshot: () => namesIn(exitsDir),
        pollMs: POLL_MS,
        persistent: true,
        onChange: told,
      })
    },
    watchPokes(told) {
      writeFileSync(pokeFile, '', { flag: 'a', mode: 0o600 })
      const [directory, name] = [dirname(pokeFile), basename(pokeFile)]
      return watchPath(directory, {
        snapshot: () => timesOf(directory, [name]),
        pollMs: POLL_MS,
        persistent: true,
        onChange(changed) {
          if (changed === null || changed === name) told()
        },
      })
    },
  }
}
