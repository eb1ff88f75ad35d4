/** `kube attach`: the standard streams of a running container. */
import type { Readable } from 'node:stream'
import { ReadStream } from 'node:tty'
import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import { attachContainer, resizeContainer } from '../host/runtime/attach.ts'
import { UNKNOWN_STATUS } from '../reconcile/restart.ts'
import type { Context } from './context.ts'
import { runningContainer } from './exec.ts'
import { chooseContainer, findPod, requireContainer } from './find-pod.ts'
import type { RealHost } from './host.ts'

export interface AttachCommandOptions {
  readonly namespace: string
  readonly container?: string
  readonly stdin?: boolean
  readonly tty?: boolean
  readonly quiet?: boolean
}

/** Ctrl-P, Ctrl-Q, as podman's and docker's. */
const DETACH_KEYS = Buffer.of(0x10, 0x11)

export async function runAttach([target]: [string], options: AttachCommandOptions, context: Context): Promise<number> {
  const { io } = context
  const host = await context.host()
  const pod = findPod(host, target, options.namespace, io)
  const member = chooseContainer(pod.plan, options.container, io)
  runningContainer(host, pod, member.name)
  return attachTo(context, host, pod, member.name, options)
}

/**
 * Ties the caller's streams to those of a container whose monitor runs, from this moment on. Its exit status; 0 when the
 * user left it.
 */
export async function attachTo(
  context: Context,
  host: RealHost,
  pod: PodRecord,
  container: string,
  options: Pick<AttachCommandOptions, 'stdin' | 'tty' | 'quiet'>,
): Promise<number> {
  const { io } = context
  const member = requireContainer(pod.plan, container)
  const id = pod.containers[container]!.id
  const { layout } = host
  if (options.stdin && !member.stdin)
    io.err(`container ${member.name} has no standard input (stdin: true is not in its manifest)\n`)
  const takesInput = options.stdin === true && member.stdin
  const terminal = takesInput && member.terminal && options.tty !== false && io.inIsTerminal
  using keyboard = terminal ? rawTerminal() : undefined
  if (terminal) {
    if (!options.quiet) io.err("If you don't see a command prompt, try pressing enter; Ctrl-P Ctrl-Q detaches.\n")
    io.onResize((rows, columns) => resizeContainer(layout, id, rows, columns))
    if (io.columns > 0) resizeContainer(layout, id, io.rows, io.columns)
  }
  const input = keyboard?.input ?? (takesInput ? io.input() : undefined)
  const end = await attachContainer({
    layout,
    id,
    onOutput: (stream, bytes) => void (stream === 'stdout' ? io.write(bytes) : io.err(bytes)),
    ...(input === undefined ? {} : { input }),
    ...(terminal ? { detachKeys: DETACH_KEYS } : {}),
    signal: context.signal,
  })
  // What else is typed or piped is for nobody.
  input?.destroy()
  if (end === 'detached') return 0
  const process = pod.containers[member.name]?.process
  if (process !== undefined) await host.runtime.ended(id, process, context.signal)
  const { exitCode } = observePod(host, pod).containers[member.name] ?? {}
  // With a monitor that was killed nobody knows; where the container has not run yet, there is none to tell.
  return exitCode ?? (process === undefined ? 0 : UNKNOWN_STATUS)
}

/** Every key goes to the container as it is typed; the terminal is as before when this is disposed of. */
function rawTerminal(): { readonly input: Readable } & Disposable {
  const stream = new ReadStream(0)
  stream.setRawMode(true)
  return {
    input: stream,
    [Symbol.dispose]() {
      stream.setRawMode(false)
      stream.destroy()
    },
  }
}
