/** Standard input without the streams of Node.js, which take a command milliseconds to make. */
import { readToEnd } from '../host/sys/readable.ts'

/** All of it, once it has ended. Linux only. */
export function readInput(): Promise<Uint8Array> {
  return readToEnd(0)
}
