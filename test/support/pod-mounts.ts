/** A pod's mounts, which are in a namespace of its own, seen with other tools. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Instance } from './instance.ts'

/** What holds a pod's mount namespace. */
export function pinOf({ runroot }: Instance, uid: string): string {
  return join(runroot, 'mounts', uid)
}

/** What a program prints that sees the mounts of a pod. */
export function withMountsOf(kube: Instance, uid: string, words: readonly string[], input = ''): string {
  return execFileSync('nsenter', [`--mount=${pinOf(kube, uid)}`, ...words], { encoding: 'utf8', input })
}
