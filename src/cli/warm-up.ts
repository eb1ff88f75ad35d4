/** Work that takes the kernel time and nobody else's: done while the manifest is being read. */
import { readFileSync, writeFile } from 'node:fs'

/** Milliseconds after which the kernel is asked again: well below the grace period that it would wait for otherwise. */
const AGAIN_MS = 4
/** Then whatever keeps the command, a pull or another command, takes longer than this could save. */
const LIMIT_MS = 400

/**
 * The first move of a process between cgroups after a pause makes the kernel wait for an RCU grace period, 8 to 20 ms;
 * moves right after another one don't. Writing this process into the cgroup that it is in already is such a move,
 * without effect: it is made again and again until the first container was started, or this is disposed of.
 */
export function keepCgroupsWarm(): Disposable {
  let over = false
  const file = procsFile()
  const end = Date.now() + LIMIT_MS
  // With callbacks: the modules of promises take the start longer to load than this saves at its shortest.
  const again = () => {
    if (file === undefined || over || Date.now() > end) return
    writeFile(file, '0', error => {
      // An ordinary user may not; then it is only not faster.
      if (!error) setTimeout(again, AGAIN_MS).unref()
    })
  }
  again()
  return {
    [Symbol.dispose]() {
      over = true
    },
  }
}

/** Of the cgroup that this process is in, in one hierarchy of any version. */
function procsFile(): string | undefined {
  try {
    const line = readFileSync('/proc/self/cgroup', 'utf8')
      .split('\n')
      .find(text => /^\d+:(pids|cpu)?(,\w+)?:/.test(text))
    const [, controller, path] = line?.split(':') ?? []
    return path === undefined ? undefined : `/sys/fs/cgroup/${controller}${path}/cgroup.procs`
  } catch {
    return undefined
  }
}
