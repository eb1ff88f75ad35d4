/** Reading files that somebody else may have put there. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { KubeError } from '../../diagnostic.ts'

/** A text file. Fails with `NotAFile` for anything else, instead of waiting for whoever writes to a FIFO. */
export function readRegularFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    if (!fstatSync(fd).isFile()) throw new KubeError('NotAFile', `${path} is no regular file`)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}
