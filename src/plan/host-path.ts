/** Paths of the machine as manifests write them. */
import type { FieldPath } from '../diagnostic.ts'
import { type Finding, invalid, notice, required } from '../manifest/finding.ts'
import type { PodContext } from './context.ts'
import { isAbsolute, resolvePath } from './posix-path.ts'

interface HostPathResult {
  readonly hostPath?: string
  readonly findings: readonly Finding[]
}

/** A relative path starts from the manifest's directory: Kubernetes has no such paths, so that is said. */
export function resolveHostPath(written: string, context: PodContext, path: FieldPath): HostPathResult {
  if (isAbsolute(written)) return { hostPath: written, findings: [] }
  if (written === '') return { findings: [required(path)] }
  if (context.baseDir === undefined) {
    return { findings: [invalid(path, written, 'a relative path needs a manifest file to start from')] }
  }
  const hostPath = resolvePath(context.baseDir, written)
  const message = `${written} is taken from the manifest's directory, as ${hostPath}; a cluster needs an absolute path`
  return { hostPath, findings: [notice(path, 'HostPathRelative', message)] }
}
