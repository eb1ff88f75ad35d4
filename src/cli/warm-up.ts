/** Work that takes the kernel time and nobody else's: begun while the manifest is being read. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'

/**
 * The first move of a process between cgroups after a pause makes the kernel wait for an RCU grace period, 8 to 20 ms;
 * moves right after it don't. Writing this process into the cgroup that it is in already is such a move, without effect.
 */
export async function warmUp(): Promise<void> {
  try {
    const line = readFileSync('/proc/self/cgroup', 'utf8')
      .split('\n')
      .find(text => /^\d+:(pids|cpu)?(,\w+)?:/.test(text))
    const [, controller, path] = line?.split(':') ?? []
    if (path === undefined) return
    await writeFile(`/sys/fs/cgroup/${controller === '' ? '' : `${controller}`}${path}/cgroup.procs`, '0')
  } catch {
    // An ordinary user may not; then it is only not faster.
  }
}
