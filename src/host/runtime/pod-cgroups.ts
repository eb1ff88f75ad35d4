/** The cgroups of pods, as the kernel lists them. Source: cgroups(7). */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf } from '../../diagnostic.ts'
import { identityOf } from '../sys/process-identity.ts'
import { cgroupVersion, removeCgroup } from './cgroups.ts'

const ROOT = '/sys/fs/cgroup'

function hierarchies(): readonly string[] {
  return cgroupVersion() === 2 ? [ROOT] : directories(ROOT).map(name => `${ROOT}/${name}`)
}

/** `/kube/pod<uid>` of every pod that has one, in any hierarchy. */
export function podCgroups(parent: string): readonly string[] {
  const names = hierarchies().flatMap(hierarchy => directories(`${hierarchy}${parent}`))
  return [...new Set(names)].filter(name => name.startsWith('pod')).map(name => `${parent}/${name}`)
}

export function hasCgroup(path: string): boolean {
  return hierarchies().some(hierarchy => existsSync(`${hierarchy}${path}`))
}

/** How long killed processes may take to leave, in milliseconds. */
const LEAVE_MS = 2_000
const LOOK_MS = 10

/** Kills what is in a cgroup and below it, and removes them. */
export async function killCgroup(path: string): Promise<void> {
  for (let waited = 0; waited < LEAVE_MS; waited += LOOK_MS) {
    const listed = hierarchies().flatMap(hierarchy => processesBelow(`${hierarchy}${path}`))
    // One whose parent is slow to notice its end is no obstacle.
    const pids = listed.filter(pid => pid === 0 || identityOf(pid) !== undefined)
    if (pids.length === 0) break
    for (const pid of pids) kill(pid)
    await delay(LOOK_MS)
  }
  const below = hierarchies().flatMap(hierarchy =>
    pathsBelow(`${hierarchy}${path}`).map(at => at.slice(hierarchy.length)),
  )
  // The deepest first: one that has others below it stays.
  for (const at of [...new Set(below)].sort((a, b) => b.length - a.length)) removeCgroup(at)
}

function pathsBelow(directory: string): readonly string[] {
  return [directory, ...directories(directory).flatMap(name => pathsBelow(`${directory}/${name}`))]
}

function processesBelow(directory: string): readonly number[] {
  return pathsBelow(directory).flatMap(path => {
    try {
      return readFileSync(`${path}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number)
    } catch {
      return []
    }
  })
}

function kill(pid: number): void {
  try {
    // 0 is a process of another pid namespace: not ours to kill.
    if (pid > 0) process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

function directories(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}
