/** Control groups, as far as the OCI runtime doesn't do it. Source: cgroups(7). */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { mount } from '../sys/libc.ts'

const ROOT = '/sys/fs/cgroup'

/** 2 where /sys/fs/cgroup is the unified hierarchy. */
export function cgroupVersion(): 1 | 2 {
  return existsSync(`${ROOT}/cgroup.controllers`) ? 2 : 1
}

/**
 * On a hybrid machine a controller that no version 1 hierarchy took stays in version 2, and crun refuses the mixture.
 * It gets its own version 1 hierarchy, as every other has; nothing can be using it, or this would fail.
 */
export function prepareCgroups(): void {
  const leftOver = readText(`${ROOT}/unified/cgroup.controllers`).split(' ').filter(Boolean)
  for (const controller of leftOver) {
    try {
      mkdirSync(`${ROOT}/${controller}`, { recursive: true, mode: 0o755 })
      mount('cgroup', `${ROOT}/${controller}`, 'cgroup', 0, controller)
    } catch (error) {
      throw new KubeError(
        'CgroupsUnusable',
        `cgroup controller ${controller} is left in version 2 and cannot be moved`,
        {
          cause: error,
          hint: 'run as root, or boot with one cgroup version only',
        },
      )
    }
  }
}

/** Removes a cgroup from every hierarchy, and its parents once they are empty. Processes in it keep it. */
export function removeCgroup(path: string): void {
  const hierarchies = cgroupVersion() === 2 ? [ROOT] : readdirSync(ROOT).map(name => `${ROOT}/${name}`)
  for (const hierarchy of hierarchies) {
    for (let at = path; at.length > 1; at = at.slice(0, at.lastIndexOf('/'))) {
      if (!removeEmpty(`${hierarchy}${at}`)) break
    }
  }
}

/** Whether it is gone. */
function removeEmpty(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    return errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR'
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
