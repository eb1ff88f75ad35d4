/** Words for a container's monitor, by its control fifo. Source: conmon's src/ctrl.c. */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'

/** False when the monitor has ended: there is nobody to tell. */
export function tellMonitor(bundle: string, words: string): boolean {
  let fd: number
  try {
    // Without O_NONBLOCK it would wait for a reader, which a killed monitor never is.
    fd = openSync(`${bundle}/ctl`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENXIO', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false
    throw error
  }
  try {
    writeSync(fd, `${words}\n`)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN' || errnoOf(error) === 'EPIPE') return false
    throw error
  } finally {
    closeSync(fd)
  }
}
