/** Where conmon writes what a container writes. Source: conmon(8). */
import { closeSync, openSync } from 'node:fs'
import type { CreateOptions } from '../../engine/ports.ts'
import { keepLog, UNWATCHED_BYTES } from '../logs/log-files.ts'

/** The file is written for the journal too, so that `kube logs` reads the same everywhere. */
export function logArguments({ logFile, logging }: Pick<CreateOptions, 'logFile' | 'logging'>): readonly string[] {
  if (logging?.driver === 'none') return ['--log-path', 'none']
  const args = ['--log-path', `k8s-file:${logFile}`]
  if (logging?.driver === 'journald') args.push('--log-path', 'journald:')
  if (logging?.tag !== undefined) args.push('--log-tag', logging.tag)
  args.push('--log-size-max', String(logging?.maxSizeBytes ?? UNWATCHED_BYTES))
  return args
}

/**
 * Before the monitor opens it, the log has its second name, by which it stays when the monitor begins another one. With a size
 * of its own there is one file, as podman has it.
 */
export function prepareLog({ logFile, logging }: Pick<CreateOptions, 'logFile' | 'logging'>): void {
  if (logging?.driver === 'none' || logging?.maxSizeBytes !== undefined) return
  closeSync(openSync(logFile, 'a', 0o600))
  keepLog(logFile)
}
