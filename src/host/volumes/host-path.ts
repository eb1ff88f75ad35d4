/** hostPath volumes: checks and makes what their type calls for. Source: k8s.io/api/core/v1 HostPathType. */
import { type Stats, statSync, writeFileSync } from 'node:fs'
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { makeDirectory } from '../sys/make-directory.ts'

type TypeCheck = (stats: Stats) => boolean

const CHECKS: Readonly<Record<string, TypeCheck>> = {
  Directory: stats => stats.isDirectory(),
  DirectoryOrCreate: stats => stats.isDirectory(),
  File: stats => stats.isFile(),
  FileOrCreate: stats => stats.isFile(),
  Socket: stats => stats.isSocket(),
  CharDevice: stats => stats.isCharacterDevice(),
  BlockDevice: stats => stats.isBlockDevice(),
}

/** Fails with `HostPathMissing` or `HostPathWrongType`; makes it where the type ends in `OrCreate`. */
export function checkHostPath(volume: { readonly name: string; readonly path: string; readonly type: string }): void {
  const { path, type } = volume
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats) {
    const check = CHECKS[type]
    if (check && !check(stats))
      throw new KubeError('HostPathWrongType', `hostPath type check failed: ${path} is not a ${words(type)}`)
    return
  }
  try {
    // Modes are the kubelet's.
    if (type === 'DirectoryOrCreate') makeDirectory(path, 0o755)
    else if (type === 'FileOrCreate') writeFileSync(path, '', { flag: 'wx', mode: 0o644 })
    else if (type === '') makeDirectory(path, 0o755)
    else
      throw new KubeError('HostPathMissing', `hostPath type check failed: ${path} does not exist`, {
        hint: 'create it, or use a type ending in OrCreate',
      })
  } catch (error) {
    if (error instanceof KubeError) throw error
    throw new KubeError(errnoOf(error) ?? 'HostPathMissing', `create ${path}`, { cause: error })
  }
}

function words(type: string): string {
  const name = type.replace('OrCreate', '')
  return name.replace(/(?<=[a-z])[A-Z]/, letter => ` ${letter}`).toLowerCase()
}
