/** Whether a container ended for want of memory. Source: conmon, which writes a file `oom` into the bundle; cgroup-v2. */
import { existsSync, readFileSync } from 'node:fs'
import { hasRunOutOfMemory } from './cgroup-usage.ts'

/** Of a container whose first process the kernel killed. */
const KILLED_STATUS = 137

/**
 * With cgroup version 2 a monitor is told by inotify, of which there may be none left for it; so the kernel's own count is looked
 * up as well, which is there until the container is removed.
 */
export function isOutOfMemory(bundle: string, exitCode: number): boolean {
  if (existsSync(`${bundle}/oom`)) return true
  if (exitCode !== KILLED_STATUS) return false
  const path = /"cgroupsPath":"([^"]+)"/.exec(textOf(`${bundle}/config.json`))?.[1]
  return path !== undefined && hasRunOutOfMemory(path)
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
