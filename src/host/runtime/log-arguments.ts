/** Where conmon writes what a container writes. Source: conmon(8). */
import type { CreateOptions } from '../../engine/ports.ts'

/** The file is written for the journal too, so that `kube logs` reads the same everywhere. */
export function logArguments({ logFile, logging }: Pick<CreateOptions, 'logFile' | 'logging'>): readonly string[] {
  if (logging?.driver === 'none') return ['--log-path', 'none']
  const args = ['--log-path', `k8s-file:${logFile}`]
  if (logging?.driver === 'journald') args.push('--log-path', 'journald:')
  if (logging?.tag !== undefined) args.push('--log-tag', logging.tag)
  if (logging?.maxSizeBytes !== undefined) args.push('--log-size-max', String(logging.maxSizeBytes))
  return args
}
