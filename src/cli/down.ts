/** `kube down`: removes what a manifest made. */
import { resolve } from 'node:path'
import { KubeError } from '../diagnostic.ts'
import { down } from '../engine/down.ts'
import type { ObjectRecord, PodRecord } from '../engine/ports.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { namedFiles, readObjects, sourceOf } from './load-manifests.ts'

export interface DownCommandOptions {
  readonly namespace: string
  readonly gracePeriod?: number
  readonly output?: string
  readonly filename?: readonly string[]
  readonly volumes?: boolean
  /** The same by podman's name. */
  readonly force?: boolean
}

export async function runDown(
  [args]: [readonly string[]],
  options: DownCommandOptions,
  context: Context,
): Promise<number> {
  const { io } = context
  const targets = namedFiles(args, options)
  const host = await context.host()
  const apps = await findApps(host, targets, options, context)
  const removed: { readonly app: string; readonly pods: readonly string[]; readonly volumes: readonly string[] }[] = []
  for (const app of apps) {
    const objects = host.state.objects({ app })
    const result = await down(app, {
      host,
      signal: context.signal,
      ...(options.gracePeriod === undefined ? {} : { graceSeconds: options.gracePeriod }),
      onWait: pid => io.err(`waiting for another kube (pid ${pid}) to finish with app ${app}\n`),
    })
    const volumes = options.volumes || options.force ? await removeVolumes(host, objects, result.removed) : []
    removed.push({ app, pods: result.removed.map(pod => pod.plan.name), volumes })
    if (options.output === 'json') continue
    for (const object of objects) io.out(`${object.kind.toLowerCase()}/${object.name} removed\n`)
    for (const volume of volumes) io.out(`volume/${volume} removed\n`)
  }
  if (options.output === 'json') io.out(`${JSON.stringify({ removed }, null, 2)}\n`)
  return 0
}

/** The volumes of the app's claims, but for those that another app's manifest names. Returns their names. */
async function removeVolumes(
  host: RealHost,
  objects: readonly ObjectRecord[],
  pods: readonly PodRecord[],
): Promise<readonly string[]> {
  const { openClaimStore } = await import('../host/volumes/claim-store.ts')
  const { removeUnused } = await import('./volume.ts')
  const claims = openClaimStore(host.layout)
  const keyOf = (namespace: string, claim: string) => `${namespace}/${claim}`
  const others = new Set(
    host.state.objects({ kind: 'PersistentVolumeClaim' }).map(({ namespace, name }) => keyOf(namespace, name)),
  )
  const written = objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')
  const mounted = pods.flatMap(({ plan }) => plan.volumes.filter(volume => volume.kind === 'claim'))
  const wanted = new Set([
    ...written.map(({ namespace, name }) => keyOf(namespace, name)),
    ...mounted.map(({ namespace, claim }) => keyOf(namespace, claim)),
  ])
  const found = claims.list().filter(({ namespace, name }) => {
    const key = keyOf(namespace, name)
    return wanted.has(key) && !others.has(key)
  })
  for (const volume of found) await removeUnused(host, claims, volume)
  return found.map(({ name }) => name)
}

/**
 * By app name, by the path the app was played from (the file may be gone or changed), or by the objects a manifest
 * names. A manifest of which nothing is there is no error: the end is the same.
 */
async function findApps(
  host: RealHost,
  targets: readonly string[],
  options: DownCommandOptions,
  context: Context,
): Promise<readonly string[]> {
  const { io } = context
  const apps = host.state.apps()
  const found = new Set<string>()
  const unknown: string[] = []
  const together = apps.find(app => app.source === sourceOf(targets, io.cwd) && app.source !== '-')
  if (together) return [together.name]
  for (const target of targets) {
    const bySource = apps.find(app => app.source === target || app.source === resolve(io.cwd, target))
    const app = target === '-' ? undefined : (bySource ?? apps.find(({ name }) => name === target))
    if (app) found.add(app.name)
    else unknown.push(target)
  }
  if (unknown.length > 0) {
    let objects: Awaited<ReturnType<typeof readObjects>>['objects']
    try {
      objects = (await readObjects(unknown, { namespace: options.namespace, skipUnknown: true }, context)).objects
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'ManifestNotFound') throw error
      const names = apps.map(({ name }) => name)
      throw new KubeError('AppNotFound', `there is no app and no file ${unknown.join(', ')}`, {
        hint: names.length === 0 ? 'nothing is played' : `apps: ${names.join(', ')}`,
      })
    }
    const owners = new Map(
      host.state.objects().map(object => [`${object.kind}/${object.namespace}/${object.name}`, object.app]),
    )
    for (const object of objects) {
      const owner = owners.get(`${object.kind}/${object.namespace}/${object.name}`)
      if (owner !== undefined) found.add(owner)
    }
    if (found.size === 0) io.err(`nothing of ${unknown.join(', ')} is there\n`)
  }
  return [...found]
}
