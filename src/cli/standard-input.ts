/** Standard input and pipes without the streams of Node.js, which take a command milliseconds to make. */
import { readInput as readNamed } from '../host/sys/input.ts'
import { readToEnd } from '../host/sys/readable.ts'

/** All of it, once it has ended. Linux only. */
export function readInput(path?: string): Promise<Uint8Array> {
  return path === undefined ? readToEnd(0) : readNamed(path)
}
