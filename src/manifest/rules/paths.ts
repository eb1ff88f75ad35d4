/** Paths in manifests. */
import type { FieldPath } from '../../diagnostic.ts'
import { invalid, notSupported } from '../finding.ts'
import { checkNotEmpty, type Findings } from './check.ts'

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
]

export function* checkHostPath(at: FieldPath, source: { path?: string; type?: string } | undefined): Findings {
  yield* checkNotEmpty([...at, 'path'], source?.path)
  yield* checkNoBacksteps([...at, 'path'], source?.path ?? '')
  if (source?.type !== undefined && !hostPathTypes.includes(source.type))
    yield notSupported([...at, 'type'], source.type, hostPathTypes)
}

export function* checkNoBacksteps(at: FieldPath, path: string): Findings {
  if (path.split('/').includes('..')) yield invalid(at, path, "must not contain '..'")
}

/** A path below a directory: relative, without `..`. */
export function* checkDescendingPath(at: FieldPath, path: string): Findings {
  if (path.startsWith('/')) yield invalid(at, path, 'must be a relative path')
  yield* checkNoBacksteps(at, path)
}
