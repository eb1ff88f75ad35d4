/**
 * The cgroup of the programs that look after containers: monitors and the supervisor. Whoever starts them belongs to a login
 * session, a service or a job, and systemd ends what it finds in that one's cgroup when it is over. In the pods' own
 * cgroups they would count against the pods' limits.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { cgroupVersion, removeCgroup } from './cgroups.ts'
import { hasCgroup } from './pod-cgroups.ts'

const ROOT = '/sys/fs/cgroup'
const NAME = 'monitors'

/** Where systemd keeps account of who belongs to what; with version 1 in hierarchies without controllers. */
function hierarchies(): readonly string[] {
  const all = cgroupVersion() === 2 ? [ROOT] : [`${ROOT}/unified`, `${ROOT}/systemd`]
  return all.filter(hierarchy => existsSync(`${hierarchy}/cgroup.procs`))
}

/**
 * Moves a process there, this one by default; `parent` is the pods' cgroups' parent. Where that can't be, it stays where it
 * is, and works as well until its session ends.
 */
export function enterMonitors(parent: string, pid = 0): void {
  const all = hierarchies()
  // A move takes milliseconds, even one to where the process is. Who was started by one of them is there already.
  if (timesInside(`${parent}/${NAME}`, pid) === all.length) return
  for (const hierarchy of all) {
    const directory = `${hierarchy}${parent}/${NAME}`
    // Another command that found nothing to be watched any more may have just removed it.
    if (!join(directory, pid)) {
      try {
        mkdirSync(directory, { recursive: true, mode: 0o755 })
      } catch {
        continue
      }
      join(directory, pid)
    }
  }
}

/** Moves this process out again, so that the cgroup can be removed. */
export function leaveMonitors(): void {
  for (const hierarchy of hierarchies()) {
    // The root of a container's own hierarchy takes no processes while it hands controllers on.
    if (!join(hierarchy, 0)) join(`${hierarchy}/init`, 0)
  }
}

/** How long the last of the processes there may take to be gone, in milliseconds. */
const LEAVE_MS = 200
const LOOK_MS = 5

/** Removes it and the parent, unless somebody is in them. No pod is there any more, and none is being made. */
export async function removeMonitors(parent: string): Promise<void> {
  const path = `${parent}/${NAME}`
  for (let waited = 0; waited < LEAVE_MS; waited += LOOK_MS) {
    removeCgroup(parent)
    if (!hasCgroup(parent) || timesInside(path, 0) > 0) return
    await delay(LOOK_MS)
  }
}

/** In how many hierarchies a process is in that cgroup. */
function timesInside(path: string, pid: number): number {
  try {
    const lines = readFileSync(`/proc/${pid === 0 ? 'self' : pid}/cgroup`, 'utf8').split('\n')
    return lines.filter(line => line.endsWith(`:${path}`)).length
  } catch {
    return 0
  }
}

/** Whether it could be done. */
function join(directory: string, pid: number): boolean {
  try {
    writeFileSync(`${directory}/cgroup.procs`, String(pid))
    return true
  } catch {
    return false
  }
}
