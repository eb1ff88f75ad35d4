/** Words for what can go wrong with files in general. */
import { errnoOf, KubeError } from '../../diagnostic.ts'

/** A full disk gets its own code and words; everything else stays as it is. */
export function explainFailure(error: unknown): unknown {
  const code = error instanceof KubeError ? error.code : errnoOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'NoSpace') return error
  return new KubeError('NoSpace', 'no space left on the device', {
    cause: error instanceof KubeError ? error.cause : error,
    hint: 'free some space (`kube image prune` takes unused images away) and try again; nothing half-done was kept',
  })
}
