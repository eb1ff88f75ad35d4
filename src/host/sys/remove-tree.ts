/** Removing whole trees. The promises of node:fs, which can do that too, take a command milliseconds to load. */
import { rm } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { requireProgram } from './find-program.ts'
import { run } from './run.ts'

/** What removing by whole paths fails with where directories are nested deeper than a path can name, or are many. */
const forWalkers: ReadonlySet<string | undefined> = new Set(['ENAMETOOLONG', 'ENOTEMPTY', 'EMFILE'])

/**
 * Removes what a path leads to, with all that is below it; nothing where there is nothing. A container or a hostile
 * archive can nest directories deeper than a path can name: then rm(1), which walks, does it.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await removeByPath(path)
  } catch (error) {
    if (!forWalkers.has(errnoOf(error))) throw error
    const { status, stderr } = await run(requireProgram('rm'), ['-rf', '--', path])
    if (status !== 0)
      throw new KubeError('Failed', firstLine(stderr) || `rm ended with status ${status}`, { cause: error })
  }
}

function removeByPath(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  rm(path, { recursive: true, force: true }, error => (error ? reject(error) : resolve()))
  return promise
}

/** rm(1) names every directory on the way. */
function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? ''
  return line.length > 300 ? `${line.slice(0, 300)}...` : line
}
