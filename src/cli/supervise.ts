/** `kube supervise`: the hidden command that monitors and other commands start. */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LOG_LOOK_MS, rotateLogs } from '../host/logs/rotate-logs.ts'
import { enterMonitors, leaveMonitors, removeMonitors } from '../host/runtime/monitors-cgroup.ts'
import { tryLock } from '../host/sys/libc.ts'
import { makeDirectory } from '../host/sys/make-directory.ts'
import { removeOwnPidFile, removePidFile, writePidFile } from '../host/sys/pid-file.ts'
import { isNeeded, supervise } from '../supervisor/supervise.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { supervisorEvents } from './supervisor-events.ts'
import { openReasons } from './supervisor-reasons.ts'
import { runningSupervisor } from './wake-supervisor.ts'

/** How old a backup of the records is before another is made, in milliseconds, while they change. */
const BACKUP_MS = 60_000
/** How often the lock of one that is ending is tried again, in milliseconds. */
const TRY_MS = 20

/** How often it is looked whether the run-time directory is still there, in milliseconds. */
const GONE_LOOK_MS = 1000

/** Ends at once when another one is at work. */
export async function runSupervise(_args: readonly [], _options: object, context: Context): Promise<number> {
  const host = await context.host()
  const { layout } = host
  makeDirectory(layout.runroot, 0o700)
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
    // Somebody has taken everything away.
    if (fstatSync(lock).nlink === 0) return 0
    enterMonitors(parentOf(host))
    const gone = new AbortController()
    // Without its directory nobody knows of this one, and another may begin beside it.
    const look = setInterval(() => {
      if (fstatSync(lock).nlink === 0) gone.abort()
    }, GONE_LOOK_MS)
    try {
      await work(host, AbortSignal.any([context.signal, gone.signal]))
    } finally {
      clearInterval(look)
      leaveMonitors()
      // Whoever ends it waits for its end.
      if (!context.signal.aborted) host.state.backUp(0)
      // What cannot be done, on a read-only disk for one, is done with the next removal.
      await releaseAll(host).catch(() => {})
    }
    return 0
  } finally {
    closeSync(lock)
  }
}

async function work(host: RealHost, signal: AbortSignal): Promise<void> {
  const { layout } = host
  using reasons = openReasons(layout)
  using _rotation = everyNowAndThen(() => rotateLogs(layout))
  using _backup = everyNowAndThen(async () => host.state.backUp(BACKUP_MS))
  do {
    writePidFile(layout.supervisorPid)
    removePidFile(layout.supervisorStarting)
    await supervise({ host, events: supervisorEvents(layout), signal, onReasons: reasons.note })
    // A pid that stays tells the next command that the work is not over.
    if (signal.aborted && isNeeded(host)) return
    // A container that ended while this was ending saw the pid and woke nobody: hence the last look after it is gone. Killed
    // at that look, this is as one that was killed before it could begin.
    writePidFile(layout.supervisorStarting)
    removePidFile(layout.supervisorPid)
  } while (!signal.aborted && isNeeded(host))
  removeOwnPidFile(layout.supervisorStarting)
}

/**
 * The supervisor that has removed the last pod was still in the cgroup that goes then. Whoever has the lock is removing pods,
 * and does this itself, or making some.
 */
async function releaseAll(host: RealHost): Promise<void> {
  const lock = openSync(host.layout.lockFile, 'a', 0o600)
  try {
    if (tryLock(lock) && host.state.pods().length === 0) await removeMonitors(parentOf(host))
  } finally {
    closeSync(lock)
  }
}

/** Of all cgroups. */
function parentOf(host: RealHost): string {
  return dirname(host.cgroupPath('any'))
}

/** Now, and as long as it is not disposed of. */
function everyNowAndThen(look: () => Promise<void>): Disposable {
  void look()
  const timer = setInterval(look, LOG_LOOK_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
