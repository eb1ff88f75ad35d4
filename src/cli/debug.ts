/** `kube debug`: another container in a running pod, with the tools that its image lacks. */
import { randomBytes } from 'node:crypto'
import type { V1EphemeralContainer } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import { debugPod } from '../engine/debug-pod.ts'
import { attachTo } from './attach.ts'
import type { Context } from './context.ts'
import { findPod, requireContainer } from './find-pod.ts'

export interface DebugCommandOptions {
  readonly namespace: string
  readonly image?: string
  readonly target?: string
  readonly container?: string
  readonly stdin?: boolean
  readonly tty?: boolean
  readonly attach?: boolean
  readonly quiet?: boolean
  readonly env?: readonly string[]
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never'
}

/** What tracing the processes of another container takes. */
const CAPABILITIES = ['SYS_PTRACE']

export async function runDebug(
  [target, command]: [string, readonly string[]],
  options: DebugCommandOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  if (!options.image) throw new KubeError('Usage', 'you must specify --image', { exitStatus: 2 })
  const host = await context.host()
  const pod = findPod(host, target, options.namespace, io)
  if (options.target !== undefined) requireContainer(pod.plan, options.target)
  const name = options.container ?? `debugger-${randomBytes(3).toString('hex').slice(0, 5)}`
  if (pod.plan.members.some(member => member.name === name))
    throw new KubeError('ContainerExists', `pod ${pod.plan.name} has a container ${name} already`, { exitStatus: 2 })
  if (options.container === undefined && !options.quiet) io.err(`Defaulting debug container name to ${name}.\n`)
  const stdin = options.stdin === true
  const container: V1EphemeralContainer = {
    name,
    image: options.image,
    imagePullPolicy: options.imagePullPolicy ?? 'IfNotPresent',
    ...(command.length === 0 ? {} : { command: [...command] }),
    ...(options.env === undefined ? {} : { env: options.env.map(variable) }),
    ...(stdin ? { stdin: true, stdinOnce: true } : {}),
    ...(options.tty === true ? { tty: true } : {}),
    ...(options.target === undefined ? {} : { targetContainerName: options.target }),
    securityContext: { capabilities: { add: CAPABILITIES } },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  }
  let attached: Promise<number> | undefined
  const attaches = options.attach ?? (stdin || options.tty === true)
  const record = await debugPod(pod.uid, container, {
    host,
    signal: context.signal,
    onPull: image => {
      if (!options.quiet) io.err(`pulling ${image}\n`)
    },
    // Before its command runs, so that nothing it writes is missed.
    onCreated(created) {
      if (!attaches) return
      const streams = { stdin, ...(options.tty === undefined ? {} : { tty: options.tty }) }
      attached = attachTo(context, host, created, name, streams)
      attached.catch(() => {})
    },
  })
  host.wakeSupervisor([record])
  return (await attached) ?? 0
}

/** `NAME=VALUE`. */
function variable(text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf('=')
  if (at <= 0) throw new KubeError('Usage', `not a variable: ${text}`, { exitStatus: 2, hint: 'write NAME=VALUE' })
  return { name: text.slice(0, at), value: text.slice(at + 1) }
}
