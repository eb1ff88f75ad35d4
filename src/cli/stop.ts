/** `kube stop` and `kube start`: pods whose containers rest, and run again. Source: podman-pod-stop(1). */
import { KubeError } from '../diagnostic.ts'
import type { DownOptions } from '../engine/down.ts'
import type { PodRecord } from '../engine/ports.ts'
import { startPods, stopPods } from '../engine/restart-pods.ts'
import type { Context } from './context.ts'
import { findPodsOrApp, selectPods } from './find-pod.ts'
import type { RealHost } from './host.ts'

export interface StopOptions {
  readonly namespace: string
  readonly all?: boolean
  readonly selector?: string
  readonly gracePeriod?: number
  /** The same by podman's name. */
  readonly time?: number
  readonly ignoreNotFound?: boolean
}

export async function runStop(
  [names]: [readonly string[]],
  options: StopOptions,
  context: Context,
): Promise<undefined> {
  const host = await context.host()
  const pods = podsOf(host, names, options)
  await stopPods(pods, downOptionsOf(host, options, context))
  for (const { plan } of pods) context.io.out(`pod/${plan.name} stopped\n`)
  tellSchedules(host, pods, context)
  return undefined
}

export async function runStart(
  [names]: [readonly string[]],
  options: StopOptions,
  context: Context,
): Promise<undefined> {
  const host = await context.host()
  const pods = podsOf(host, names, options)
  await startPods(pods, downOptionsOf(host, options, context))
  for (const { plan } of pods) context.io.out(`pod/${plan.name} started\n`)
  return undefined
}

/** What the engine is told of the options. */
export function downOptionsOf(
  host: RealHost,
  { gracePeriod, time }: StopOptions,
  { io, signal }: Context,
): DownOptions & { readonly host: RealHost } {
  const graceSeconds = gracePeriod ?? time
  return {
    host,
    signal,
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
    onWait: pid => io.err(`waiting for another kube (pid ${pid})\n`),
  }
}

/** Each pod once. */
function podsOf(host: RealHost, names: readonly string[], options: StopOptions): readonly PodRecord[] {
  const { namespace, selector, all } = options
  if (names.length === 0 && selector === undefined && !all)
    throw new KubeError('Usage', 'nothing is named', {
      exitStatus: 2,
      hint: 'give pods, apps, KIND/NAME, -l SELECTOR or --all',
    })
  if (names.length > 0 && (selector !== undefined || all))
    throw new KubeError('Usage', 'names cannot be given together with a selector or --all', { exitStatus: 2 })
  const found =
    names.length > 0 ? names.flatMap(name => named(host, name, options)) : selectPods(host, selector ?? '', namespace)
  return [...new Map(found.filter(({ removing }) => !removing).map(pod => [pod.uid, pod])).values()]
}

function named(host: RealHost, name: string, { namespace, ignoreNotFound }: StopOptions): readonly PodRecord[] {
  try {
    return findPodsOrApp(host, name, namespace)
  } catch (error) {
    if (ignoreNotFound && error instanceof KubeError && error.code === 'NotFound') return []
    throw error
  }
}

/** A CronJob is no pod: its next job comes at its time. */
function tellSchedules(host: RealHost, pods: readonly PodRecord[], { io }: Context): void {
  for (const app of new Set(pods.map(pod => pod.app))) {
    for (const { value, name } of host.state.objects({ app, kind: 'CronJob' })) {
      if ((value as { readonly spec?: { readonly suspend?: boolean } }).spec?.suspend) continue
      io.err(`kube: warning: cronjob/${name} goes on: its next job comes at its time\n`)
    }
  }
}
