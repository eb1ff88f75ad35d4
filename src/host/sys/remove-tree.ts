/** Removing whole trees. The promises of node:fs, which can do that too, take a command milliseconds to load. */
import { rm } from 'node:fs'

/** Removes what a path leads to, with all that is below it; nothing where there is nothing. */
export function removeTree(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  rm(path, { recursive: true, force: true }, error => (error ? reject(error) : resolve()))
  return promise
}
