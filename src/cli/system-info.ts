/** `kube system info`: where everything is and how much there is. */
import { arch, release } from 'node:os'
import { dirname } from 'node:path'
import type { Layout } from '../host/layout.ts'
import { findProgram } from '../host/sys/find-program.ts'
import { printYaml } from '../manifest/print.ts'
import type { Context } from './context.ts'
import { containerRows } from './ps.ts'
import { readReasons } from './supervisor-reasons.ts'
import { VERSION } from './version.ts'
import { runningSupervisor } from './wake-supervisor.ts'

export async function runSystemInfo(
  _args: [],
  options: { readonly output?: string },
  context: Context,
): Promise<undefined> {
  const host = await context.host()
  const { machine, layout, state } = host
  const rows = containerRows(host, {})
  const number = (wanted: string) => rows.filter(row => row.state === wanted).length
  const info = {
    version: VERSION,
    node: process.version,
    root: layout.root,
    runroot: layout.runroot,
    machine: {
      name: machine.nodeName,
      kernel: release(),
      architecture: arch(),
      cpus: machine.cpus,
      memoryBytes: machine.memoryBytes,
      cgroupVersion: machine.cgroupVersion,
      seccomp: machine.seccomp,
      appArmor: machine.appArmor,
      seLinux: machine.seLinux,
    },
    runtime: findProgram(context.globals.runtime ?? 'crun') ?? 'missing',
    monitor: findProgram('conmon') ?? 'missing',
    network: { subnet: state.setting('subnet') ?? 'not chosen yet', hostAddresses: machine.hostIps },
    supervisor: supervisorInfo(host.layout),
    cgroup: dirname(host.cgroupPath('any')),
    apps: state.apps().length,
    objects: state.objects().length,
    pods: state.pods().length,
    containers: { total: rows.length, running: number('running'), exited: number('exited') },
    images: host.store.list().length,
  }
  context.io.out(options.output === 'json' ? `${JSON.stringify(info, null, 2)}\n` : printYaml(info))
  return undefined
}

/** Whether one runs, and why. */
function supervisorInfo(layout: Layout): object | string {
  const pid = runningSupervisor(layout)
  if (pid === undefined) return 'not needed'
  const known = readReasons(layout)
  return { pid, ...(known === undefined ? {} : known) }
}
