/** One file of a log that is being read: it stays readable whoever takes its name away. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { errnoOf } from '../../diagnostic.ts'
import { identityOfLog } from './log-files.ts'

export interface OpenLog extends Disposable {
  /** As `logFiles` tells it. */
  readonly identity: string
  /** How large it is by now. */
  sizeBytes(): number
  /** Reads what is there from a position on, at most as much as there is room for: how many bytes; 0 at the end. */
  read(into: Buffer, position: number): number
}

/** Opens a file; `undefined` where there is none. A local file is read at once: no command has anything to do meanwhile. */
export function openLog(path: string): OpenLog | undefined {
  const fd = openIfThere(path)
  if (fd === undefined) return undefined
  let isOpen = true
  return {
    identity: identityOfLog(fstatSync(fd, { bigint: true })),
    sizeBytes: () => fstatSync(fd).size,
    read: (into, position) => readSync(fd, into, 0, into.length, position),
    [Symbol.dispose]() {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return undefined
  }
}
