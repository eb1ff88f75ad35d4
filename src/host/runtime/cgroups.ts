/** Control groups, as far as the OCI runtime doesn't do it. Source: cgroups(7). */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { KubeError } from '../../diagnostic.ts'
import type { CgroupSetting } from '../../plan/cgroup-settings.ts'
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

/** Files that only say who comes first: without them everything still works. */
const PREFERENCES = new Set(['cpu.shares', 'cpu.weight', 'memory.low'])

/**
 * Makes a cgroup, to be the parent of others, with limits for all of them together. Fails with `LimitNotSupported` where
 * the machine has no such controller.
 */
export function makeCgroup(path: string, settings: readonly CgroupSetting[]): void {
  const version = cgroupVersion()
  if (version === 2) makeUnified(path)
  for (const { controller, file, value } of settings) {
    const directory = version === 2 ? `${ROOT}${path}` : `${ROOT}/${controller}${path}`
    try {
      if (version === 1) makeBelow(`${ROOT}/${controller}`, path)
      writeFileSync(`${directory}/${file}`, value)
    } catch (error) {
      if (PREFERENCES.has(file)) continue
      throw new KubeError('LimitNotSupported', `set ${file} to ${value}`, {
        cause: error,
        hint: 'this machine cannot limit it: remove the limit from the pod',
      })
    }
  }
}

/** A controller works in a cgroup whose ancestors all hand it on. */
function makeUnified(path: string): void {
  let at = ROOT
  for (const name of path.split('/').filter(Boolean)) {
    for (const controller of domainFirst(readText(`${at}/cgroup.controllers`).split(' ').filter(Boolean))) {
      // One that this cgroup cannot hand on: a limit that needs it fails by itself.
      for (let tries = 0; !handOn(at, controller) && at === ROOT && tries < 3 && vacateRoot(); tries++);
    }
    at += `/${name}`
    mkdirSync(at, { recursive: true, mode: 0o755 })
  }
}

/** Handed on by a cgroup that has processes of its own, these make it threaded: no other controller works below it then. */
const THREADED = new Set(['cpu', 'cpuset', 'perf_event', 'pids'])

/** The others first: they fail where there are processes. */
function domainFirst(controllers: readonly string[]): readonly string[] {
  return controllers.toSorted((a, b) => Number(THREADED.has(a)) - Number(THREADED.has(b)))
}

/** Whether the cgroups below get a controller now. */
function handOn(directory: string, controller: string): boolean {
  try {
    writeFileSync(`${directory}/cgroup.subtree_control`, `+${controller}`)
    return true
  } catch {
    return false
  }
}

/**
 * In a container the root is a cgroup like any other, and one with processes of its own hands nothing on. They go into
 * `/init`, where other engines in containers put them too. Returns whether there were any.
 */
function vacateRoot(): boolean {
  // The machine's own root has no type.
  if (!existsSync(`${ROOT}/cgroup.type`)) return false
  const pids = readText(`${ROOT}/cgroup.procs`).split('\n').filter(Boolean)
  if (pids.length === 0) return false
  try {
    mkdirSync(`${ROOT}/init`, { recursive: true, mode: 0o755 })
  } catch {
    return false
  }
  for (const pid of pids) {
    try {
      writeFileSync(`${ROOT}/init/cgroup.procs`, pid)
    } catch {
      // It ended meanwhile, or is another container's: then the rest of the attempt fails by itself.
    }
  }
  return true
}

/** Never the hierarchy itself: one that isn't mounted would become a mere directory. */
function makeBelow(hierarchy: string, path: string): void {
  if (!existsSync(`${hierarchy}/cgroup.procs`)) throw new Error(`${hierarchy} is not mounted`)
  mkdirSync(`${hierarchy}${path}`, { recursive: true, mode: 0o755 })
}

/**
 * Removes a cgroup from every hierarchy with the cgroups in it. Processes in it keep it. An OCI runtime that fails in one
 * hierarchy leaves what it made in the others. Its parent stays: another command may just be making something in that.
 */
export function removeCgroup(path: string): void {
  const hierarchies = cgroupVersion() === 2 ? [ROOT] : readdirSync(ROOT).map(name => `${ROOT}/${name}`)
  for (const hierarchy of hierarchies) {
    removeInner(`${hierarchy}${path}`)
    removeEmpty(`${hierarchy}${path}`)
  }
}

function removeInner(directory: string): void {
  for (const entry of directoriesIn(directory)) {
    removeInner(`${directory}/${entry}`)
    removeEmpty(`${directory}/${entry}`)
  }
}

function directoriesIn(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true })
    return entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
  } catch {
    return []
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // Not there, or somebody is in it.
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
