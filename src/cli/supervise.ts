/** `kube supervise`: the hidden command that monitors and other commands start. */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tryLock } from '../host/sys/libc.ts'
import { isNeeded, supervise } from '../supervisor/supervise.ts'
import type { Context } from './context.ts'

/** Ends at once when another one has the lock. */
export async function runSupervise(_args: readonly [], _options: object, context: Context): Promise<number> {
  const host = await context.host()
  const { layout } = host
  mkdirSync(layout.runroot, { recursive: true, mode: 0o700 })
  const lock = openSync(layout.supervisorLock, 'a', 0o600)
  try {
    if (!tryLock(lock)) return 0
    do {
      writeFileSync(layout.supervisorPid, `${process.pid}\n`, { mode: 0o600 })
      await supervise({ host, exitsDir: layout.exitsDir, pokeFile: layout.pokeFile, signal: context.signal })
      // A container that ended while this was ending saw the pid and woke nobody: hence the last look after it is gone.
      rmSync(layout.supervisorPid, { force: true })
    } while (!context.signal.aborted && isNeeded(host))
    return 0
  } finally {
    closeSync(lock)
  }
}
