/** `kube supervise`: the hidden command that monitors and other commands start. */
import { closeSync, fstatSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LOG_LOOK_MS, rotateLogs } from '../host/logs/rotate-logs.ts'
import { enterMonitors, leaveMonitors, removeMonitors } from '../host/runtime/monitors-cgroup.ts'
import { tryLock } from '../host/sys/libc.ts'
import { removeOwnPidFile, removePidFile, writePidFile } from '../host/sys/pid-file.ts'
import { isNeeded, supervise } from '../supervisor/supervise.ts'
import type { Context } from './context.ts'
import { openReasons } from './supervisor-reasons.ts'
import { runningSupervisor } from './wake-supervisor.ts'

/** How often the lock of one that is ending is tried again, in milliseconds. */
const TRY_MS = 20

/** Ends at once when another one is at work. */
export async function runSupervise(_args: readonly [], _options: object, context: Context): Promise<number> {
  const host = await context.host()
  const { layout } = host
  const parent = dirname(host.cgroupPath('any'))
  mkdirSync(layout.runroot, { recursive: true, mode: 0o700 })
  const lock = openSync(layout.supervisorLock, 'a', 0o600)
  try {
    while (!tryLock(lock)) {
      // One that has taken its pid away has had its last look: what woke this one may have come after it.
      if (runningSupervisor(layout) !== undefined) {
        removePidFile(layout.supervisorStarting)
        return 0
      }
      if (context.signal.aborted) return 0
      await delay(TRY_MS)
    }
    // A reset had it, and has taken everything away.
    if (fstatSync(lock).nlink === 0) return 0
    enterMonitors(parent)
    using reasons = openReasons(layout)
    using _rotation = everyNowAndThen(() => rotateLogs(layout))
    do {
      writePidFile(layout.supervisorPid)
      removePidFile(layout.supervisorStarting)
      await supervise({
        host,
        exitsDir: layout.exitsDir,
        pokeFile: layout.pokeFile,
        signal: context.signal,
        onReasons: reasons.note,
      })
      // A pid that stays tells the next command that the work is not over.
      if (context.signal.aborted && isNeeded(host)) return 0
      // A container that ended while this was ending saw the pid and woke nobody: hence the last look after it is gone. Killed
      // at that look, this is as one that was killed before it could begin.
      writePidFile(layout.supervisorStarting)
      removePidFile(layout.supervisorPid)
    } while (!context.signal.aborted && isNeeded(host))
    removeOwnPidFile(layout.supervisorStarting)
    return 0
  } finally {
    leaveMonitors()
    await removeMonitors(parent)
    closeSync(lock)
  }
}

/** Now, and as long as it is not disposed of. */
function everyNowAndThen(look: () => Promise<void>): Disposable {
  void look()
  const timer = setInterval(look, LOG_LOOK_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
