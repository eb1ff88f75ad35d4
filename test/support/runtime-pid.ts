/** What the OCI runtime itself says of containers. */
import { execFileSync } from 'node:child_process'

/** A container's first process, as the machine numbers it. `containerId` is as a pod's status has it. */
export function runtimePid(runroot: string, containerId: string): number {
  const id = containerId.replace('crun://', '')
  const state = execFileSync('crun', ['--root', `${runroot}/crun`, 'state', id], { encoding: 'utf8' })
  return (JSON.parse(state) as { readonly pid: number }).pid
}
