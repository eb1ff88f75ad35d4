/** Starting a container that crun has created, without crun. Source: crun, src/libcrun/status.c. */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'

/**
 * All that `crun start` does for a container without hooks: the container's process waits for a byte in `exec.fifo` in
 * crun's directory of it, which is removed first, and so says that it runs. False when nobody waits there: crun then knows
 * why.
 */
export function goAhead(stateDirectory: string): boolean {
  const path = `${stateDirectory}/exec.fifo`
  let fd: number
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENXIO') return false
    throw error
  }
  try {
    unlinkSync(path)
    writeSync(fd, Buffer.of(0))
    return true
  } finally {
    closeSync(fd)
  }
}
