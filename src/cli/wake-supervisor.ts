/** Starting a supervisor, telling the one that runs, and ending it. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { PodRecord } from '../engine/ports.ts'
import type { Layout } from '../host/layout.ts'
import { hasDiedStarting, noteStart, readPidFile, removePidFile, signalNamedProcess } from '../host/sys/pid-file.ts'
import { isAlive, type ProcessIdentity, pidOf } from '../host/sys/process-identity.ts'
import { hasStorageLimits } from '../plan/storage-limits.ts'
import { tokenFiles } from '../plan/tokens.ts'
import { probesOf } from '../reconcile/probe.ts'

/** The pid of the supervisor that runs, if one does. */
export function runningSupervisor(layout: Layout): number | undefined {
  const state = readPidFile(layout.supervisorPid)
  return state.is === 'running' ? state.pid : undefined
}

/** Ends the supervisor that runs or begins, if it isn't this process, and waits for its end. */
export async function dismissSupervisor(layout: Layout): Promise<void> {
  const begins = signalNamedProcess(layout.supervisorStarting, 'SIGTERM')
  const runs = signalNamedProcess(layout.supervisorPid, 'SIGTERM')
  for (const identity of [begins, runs]) if (identity !== undefined) await ended(identity)
  // One that was ended at its begin has no work that another would go on with.
  if (begins !== undefined && hasDiedStarting(layout.supervisorStarting)) removePidFile(layout.supervisorStarting)
}

/** How often a process is looked for that is ending, in milliseconds. */
const LOOK_MS = 5
/** How long one may take, in milliseconds: it can be waiting for a lock that this process has. */
const END_MS = 1000

/** Waits for the end of a process that was told to. A supervisor keeps nothing to itself, and can be killed at any moment. */
async function ended(identity: ProcessIdentity): Promise<void> {
  for (let waited = 0; isAlive(identity); waited += LOOK_MS) {
    if (waited === END_MS) kill(identity)
    await delay(LOOK_MS)
  }
}

function kill(identity: ProcessIdentity): void {
  try {
    process.kill(pidOf(identity), 'SIGKILL')
  } catch {
    // It has just ended.
  }
}

/** Starts `command` when one of the pods has to be looked after all the time and nobody does. */
export function wakeSupervisor(
  layout: Layout,
  command: readonly string[],
  pods: readonly PodRecord[] | 'always',
): void {
  if (readPidFile(layout.supervisorPid).is === 'running') poke(layout)
  else if (isKilled(layout) || pods === 'always' || pods.some(needsCare)) spawnSupervisor(layout, command)
}

/**
 * Starts another where the last one was killed at its work, or before it could begin. One that cannot be started, on a
 * full or read-only disk, does not keep people from looking: the next command tries again.
 */
export function reviveSupervisor(layout: Layout, command: readonly string[]): void {
  if (!isKilled(layout)) return
  try {
    spawnSupervisor(layout, command)
  } catch {
    // What changes something says what is wrong with the disk.
  }
}

function isKilled(layout: Layout): boolean {
  const { is } = readPidFile(layout.supervisorPid)
  return is === 'dead' || (is === 'none' && hasDiedStarting(layout.supervisorStarting))
}

function spawnSupervisor(layout: Layout, command: readonly string[]): void {
  const log = openSync(layout.supervisorLog, 'a', 0o600)
  try {
    const [program, ...args] = command
    noteStart(layout.supervisorStarting, () => {
      const child = spawn(program!, args, { detached: true, stdio: ['ignore', 'ignore', log], cwd: '/' })
      child.unref()
      return child.pid
    })
  } finally {
    closeSync(log)
  }
}

function poke(layout: Layout): void {
  const now = new Date()
  try {
    utimesSync(layout.pokeFile, now, now)
  } catch {
    writeFileSync(layout.pokeFile, '', { mode: 0o600 })
  }
}

/** Ends of containers wake a supervisor by themselves; probes, deadlines, limits and tokens need one from the start. */
function needsCare({ plan, containers }: PodRecord): boolean {
  return (
    Object.values(containers).some(({ lifecycle }) => lifecycle?.hook === 'running') ||
    plan.pod.spec?.activeDeadlineSeconds !== undefined ||
    hasStorageLimits(plan) ||
    tokenFiles(plan).length > 0 ||
    plan.members.some(({ container }) => Object.keys(probesOf(container)).length > 0)
  )
}
