/** `kube exec`: another command in a running container. */
import { KubeError } from '../diagnostic.ts'
import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import { execCommand } from '../host/runtime/exec-command.ts'
import type { Context } from './context.ts'
import { chooseContainer, findPod } from './find-pod.ts'
import type { RealHost } from './host.ts'

export interface ExecOptions {
  readonly namespace: string
  readonly container?: string
  readonly stdin?: boolean
  readonly tty?: boolean
  readonly env?: readonly string[]
  readonly workdir?: string
  readonly quiet?: boolean
}

export async function runExec(
  [target, command]: [string, readonly string[]],
  options: ExecOptions,
  context: Context,
): Promise<number> {
  const { io, globals } = context
  if (command.length === 0) {
    throw new KubeError('Usage', 'you must specify at least one command for the container', {
      exitStatus: 2,
      hint: `for example: kube exec ${target} -- ls /`,
    })
  }
  const host = await context.host()
  const pod = findPod(host, target, options.namespace, options.quiet ? { ...io, err: () => {} } : io)
  const member = chooseContainer(pod.plan, options.container, options.quiet ? { ...io, err: () => {} } : io)
  const id = runningContainer(host, pod, member.name)
  const terminal = options.tty === true && hasTerminal(context)
  return execCommand({
    layout: host.layout,
    ...(globals.runtime === undefined ? {} : { runtime: globals.runtime }),
    id,
    command,
    stdin: options.stdin === true,
    terminal,
    env: [...(terminal ? [`TERM=${io.env.TERM ?? 'xterm'}`] : []), ...(options.env ?? [])],
    ...(options.workdir === undefined ? {} : { workingDir: options.workdir }),
    ...(terminal ? { onResize: io.onResize } : {}),
    passSignals: context.passSignals,
    ...(globals.logFormat === 'text' ? { runtimeTells: true } : {}),
  })
}

/** As kubectl does: without a terminal here there can be none there. */
function hasTerminal({ io }: Context): boolean {
  if (io.inIsTerminal) return true
  io.err('Unable to use a TTY - input is not a terminal or the right kind of file\n')
  return false
}

/** Its id. Fails with code `ContainerNotRunning`, saying what it does instead. */
export function runningContainer(host: RealHost, pod: PodRecord, name: string): string {
  const now = observePod(host, pod).containers[name]
  if (now?.state === 'running') return now.id
  const state =
    now?.state === 'exited'
      ? `it ended with status ${now.exitCode}`
      : now?.state === 'broken'
        ? 'its process is gone'
        : 'it has not started'
  throw new KubeError('ContainerNotRunning', `container ${name} of pod ${pod.plan.name} is not running: ${state}`, {
    hint: `\`kube logs ${pod.plan.name} -c ${name}\` shows what it wrote`,
  })
}
