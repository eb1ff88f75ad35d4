/** File trees of images: overlay mounts of their layers. */
import { chownSync, mkdirSync } from 'node:fs'
import { MS, mount } from '../sys/libc.ts'

/** Lower directories of an image, uppermost first, relative to `layersDir`. */
export interface LowerDirs {
  readonly layersDir: string
  readonly names: readonly string[]
}

/**
 * A container's root file system at `directory/merged`: the image below, what the container writes above. `owner` is who
 * the container's root is on the machine. Default 0.
 */
export function mountWritable({ layersDir, names }: LowerDirs, directory: string, owner = 0): void {
  mkdirSync(`${directory}/upper`, { recursive: true, mode: 0o755 })
  mkdirSync(`${directory}/work`, { recursive: true, mode: 0o700 })
  mkdirSync(`${directory}/merged`, { recursive: true, mode: 0o700 })
  if (owner !== 0) for (const name of ['upper', 'work']) chownSync(`${directory}/${name}`, owner, owner)
  const options = `lowerdir=${names.join(':')},upperdir=${directory}/upper,workdir=${directory}/work`
  inDirectory(layersDir, () => mount('overlay', `${directory}/merged`, 'overlay', 0, options))
}

/** An image's files as a volume: neither writable nor executable. Source: the Kubernetes documentation, "Image Volumes". */
export function mountReadOnly({ layersDir, names }: LowerDirs, target: string): void {
  const flags = MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC
  // Without an upper directory there must be two lower ones.
  if (names.length === 1) mkdirSync(`${layersDir}/empty`, { recursive: true, mode: 0o755 })
  const lower = names.length === 1 && names[0] !== 'empty' ? [...names, 'empty'] : names
  if (lower.length > 1) {
    inDirectory(layersDir, () => mount('overlay', target, 'overlay', flags, `lowerdir=${lower.join(':')}`))
    return
  }
  mount(`${layersDir}/${lower[0]}`, target, null, MS.BIND, null)
  mount('none', target, null, MS.BIND | MS.REMOUNT | flags, null)
}

/**
 * Names are relative and the working directory is theirs for the moment of the call: an image of 127 layers must fit
 * the one page that mount(2) takes.
 */
function inDirectory(directory: string, fn: () => void): void {
  const home = process.cwd()
  process.chdir(directory)
  try {
    fn()
  } finally {
    process.chdir(home)
  }
}
