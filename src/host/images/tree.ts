/** Taking file trees away, and words for what can go wrong with files in general. */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { errnoOf, KubeError } from '../../diagnostic.ts'

/** Like `rm -rf`. A hostile archive can nest directories deeper than a path can name: then rm(1), which walks, does it. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    const code = errnoOf(error)
    if (code !== 'ENAMETOOLONG' && code !== 'ENOTEMPTY' && code !== 'EMFILE') throw error
    await promisify(execFile)('rm', ['-rf', '--', path])
  }
}

/** A full disk gets its own code and words; everything else stays as it is. */
export function explainFailure(error: unknown): unknown {
  const code = error instanceof KubeError ? error.code : errnoOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'NoSpace') return error
  return new KubeError('NoSpace', 'no space left on the device', {
    cause: error instanceof KubeError ? error.cause : error,
    hint: 'free some space (`kube image prune` takes unused images away) and try again; nothing half-done was kept',
  })
}
