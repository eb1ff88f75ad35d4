/** Starting a supervisor, or telling the one that runs. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import type { PodRecord } from '../engine/ports.ts'
import type { Layout } from '../host/layout.ts'
import { probesOf } from '../reconcile/probe.ts'

/** The pid of the supervisor that runs, if one does. */
export function runningSupervisor(layout: Layout): number | undefined {
  try {
    const pid = Number(readFileSync(layout.supervisorPid, 'utf8'))
    if (!(pid > 0)) return undefined
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

/** Starts `command` when one of the pods has to be looked after all the time and nobody does. */
export function wakeSupervisor(layout: Layout, command: readonly string[], pods: readonly PodRecord[]): void {
  if (runningSupervisor(layout) !== undefined) {
    poke(layout)
    return
  }
  if (!pods.some(needsCare)) return
  const log = openSync(layout.supervisorLog, 'a', 0o600)
  try {
    const [program, ...args] = command
    spawn(program!, args, { detached: true, stdio: ['ignore', 'ignore', log], cwd: '/' }).unref()
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

/** Ends of containers wake a supervisor by themselves; probes and deadlines need one from the start. */
function needsCare({ plan }: PodRecord): boolean {
  return (
    plan.pod.spec?.activeDeadlineSeconds !== undefined ||
    plan.members.some(({ container }) => Object.keys(probesOf(container)).length > 0)
  )
}
