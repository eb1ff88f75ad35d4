/** One play: brings what the manifests say to life, and tells what changed. */
import { dirname, resolve } from 'node:path'
import { causeChain, KubeError } from '../diagnostic.ts'
import type { LackingImage } from '../engine/ensure-images.ts'
import { carryOver } from '../engine/handover.ts'
import { play } from '../engine/play.ts'
import type { ObjectRecord, PodRecord } from '../engine/ports.ts'
import { isPrivate } from '../host/volumes/propagation.ts'
import type { KubernetesObject, ManifestObject } from '../manifest/types.ts'
import { canonicalJson } from '../plan/canonical.ts'
import type { PodPlan, PodSettings } from '../plan/types.ts'
import { podKey } from '../reconcile/decide.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { appNameOf, loadManifests, sourceOf } from './load-manifests.ts'
import { type PlayFlags, withFlags } from './play-flags.ts'
import { registryOf, type SettingOptions, settingsOf } from './play-settings.ts'
import { tellInits } from './tell-inits.ts'
import { tellWaits } from './tell-waits.ts'
import { truthOf } from './truth.ts'
import { keepCgroupsWarm } from './warm-up.ts'

export interface PlayCommandOptions extends PlayFlags, SettingOptions {
  readonly namespace: string
  readonly app?: string
  readonly replace?: boolean
  readonly filename?: readonly string[]
  readonly recursive?: boolean
  readonly kustomize?: boolean
  readonly skipUnknown?: boolean
  readonly seccompProfileRoot?: string
  readonly quiet?: boolean
  readonly output?: string
  readonly dryRun?: boolean
  readonly wait?: string | boolean
  readonly attach?: boolean
  readonly watch?: boolean
  readonly timeout?: string
  readonly down?: boolean
  readonly start?: string | boolean
}

export interface PlayedOnce {
  readonly app: string
  /** The play is done, and yet a pod that it made has failed. */
  readonly failure?: KubeError
}

/** One play of what the files say now, told as kubectl tells it. */
export async function playOnce(
  files: readonly string[],
  options: PlayCommandOptions,
  context: Context,
): Promise<PlayedOnce> {
  const { io } = context
  using warm = keepCgroupsWarm()
  const settings = settingsOf(options)
  const host = await context.host()
  const existing = host.state.objects().map(object => object.value as KubernetesObject)
  const { objects, plans, later, idle } = await loadManifests(
    [...files, ...(options.configmap ?? [])],
    { ...options, ...(settings ? { settings } : {}), edit: objects => withFlags(objects, options) },
    context,
    existing,
  )
  if (objects.length === 0) throw new KubeError('ManifestEmpty', 'the manifest holds no objects', { exitStatus: 2 })
  const source = sourceOf(files, io.cwd)
  const app = options.app ?? chooseApp(host, files, objects, source)
  if (options.dryRun) {
    tellDryRun(host, app, { objects, plans }, options, context)
    return { app }
  }
  using _waits = options.quiet ? undefined : tellWaits(host, app, context)
  const result = await play(
    {
      app,
      source,
      objects: objects.map(object => asRecord(object, { ...options, settings }, io.cwd)),
      plans,
      later,
      idle,
      ...(options.replace ? { replace: true } : {}),
      ...(truthOf(options.start, '--start') === false ? { start: false } : {}),
    },
    {
      host,
      signal: context.signal,
      onAction: ({ kind }) => {
        if (kind === 'startInfra') warm[Symbol.dispose]()
      },
      onWait: pid => io.err(`waiting for another kube (pid ${pid}) to finish with app ${app}\n`),
      registry: registryOf(options, io.cwd),
      onPull: image => {
        if (!options.quiet) io.err(`pulling ${image}\n`)
      },
      onLacking: lacking => io.err(`kube: warning: ${lackingText(lacking)}\n`),
    },
  )
  const failure = await tellInits(host, result.created, io)
  const played = { app, ...(failure ? { failure } : {}) }
  tellUnseenMounts(result.created, io)
  const before = new Map(result.previous.map(object => [objectKey(object), object.value]))
  const now = new Map(result.current.map(object => [objectKey(object), object.value]))
  const replaced = new Set(result.replaced)
  const started = new Set(
    result.unchanged
      .filter(({ uid }) => result.started.has(uid))
      .map(({ plan }) =>
        objectKey(plan.owner ? { ...plan.owner, namespace: plan.namespace } : { ...plan, kind: 'Pod' }),
      ),
  )
  const lines = objects.map(object => {
    const old = before.get(objectKey(object))
    if (old === undefined) return { object, result: 'created' }
    const changed =
      options.replace === true ||
      replaced.has(podKey(object)) ||
      canonicalJson(old) !== canonicalJson(now.get(objectKey(object)))
    return { object, result: changed ? 'configured' : started.has(objectKey(object)) ? 'started' : 'unchanged' }
  })
  const kept = new Set(objects.map(objectKey))
  const pruned = [...before.keys()].filter(key => !kept.has(key))
  if (options.output === 'json') {
    io.out(
      `${JSON.stringify(
        {
          app,
          objects: [
            ...lines.map(({ object, result }) => ({
              kind: object.kind,
              namespace: object.namespace,
              name: object.name,
              result,
            })),
            ...pruned.map(key => ({ ...splitKey(key), result: 'pruned' })),
          ],
          pods: [...result.unchanged, ...result.created].map(pod => ({
            namespace: pod.plan.namespace,
            name: pod.plan.name,
            uid: pod.uid,
            podIP: pod.address ?? host.machine.hostIps[0],
          })),
        },
        null,
        2,
      )}\n`,
    )
    return played
  }
  for (const { object, result } of lines) io.out(`${resourceName(object)} ${result}\n`)
  for (const key of pruned) io.out(`${resourceName(splitKey(key))} pruned\n`)
  return played
}

/** What would become of each object. A pod whose plan is another would be made again. */
function tellDryRun(
  host: RealHost,
  app: string,
  { objects, plans }: { readonly objects: readonly ManifestObject[]; readonly plans: readonly PodPlan[] },
  options: PlayCommandOptions,
  { io }: Context,
): void {
  const before = new Map(host.state.objects({ app }).map(object => [objectKey(object), object]))
  const hashes = new Map(host.state.pods({ app }).map(({ plan }) => [podKey(plan), plan.hash]))
  const replaced = new Set(plans.filter(plan => hashes.get(podKey(plan)) !== plan.hash).map(podKey))
  for (const object of objects) {
    const known = before.get(objectKey(object))
    const old = known && canonicalJson(known.value)
    const isPod = object.kind === 'Pod' && replaced.has(podKey(object))
    const changed = old !== canonicalJson(carryOver(object.value, known)) || isPod || options.replace === true
    io.out(
      `${resourceName(object)} ${old === undefined ? 'created' : changed ? 'configured' : 'unchanged'} (dry run)\n`,
    )
    before.delete(objectKey(object))
  }
  for (const key of before.keys()) io.out(`${resourceName(splitKey(key))} pruned (dry run)\n`)
}

/** The app that this source made before; else a name that no other app has. */
export function chooseApp(
  host: RealHost,
  files: readonly string[],
  objects: readonly ManifestObject[],
  source: string,
): string {
  const apps = host.state.apps()
  const known = apps.find(app => app.source === source && source !== '-')
  if (known) return known.name
  const name = appNameOf(files, objects)
  const taken = new Set(apps.filter(app => source !== '-' || app.source !== '-').map(app => app.name))
  let choice = name
  for (let i = 2; taken.has(choice); i++) choice = `${name}-${i}`
  return choice
}

function asRecord(
  object: ManifestObject,
  { seccompProfileRoot, settings }: PlayCommandOptions & { readonly settings: PodSettings | undefined },
  cwd: string,
): Omit<ObjectRecord, 'app' | 'uid' | 'createdAt'> {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.namespace,
    name: object.name,
    value: object.value,
    origin: {
      baseDir: resolve(cwd, object.file === '-' ? '.' : dirname(object.file)),
      ...(seccompProfileRoot === undefined ? {} : { seccompRoot: resolve(cwd, seccompProfileRoot) }),
      ...(settings === undefined ? {} : { settings }),
    },
  }
}

export function objectKey(object: {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}): string {
  return `${object.kind}/${object.namespace}/${object.name}`
}

function splitKey(key: string): { readonly kind: string; readonly namespace: string; readonly name: string } {
  const [kind = '', namespace = '', name = ''] = key.split('/')
  return { kind, namespace, name }
}

/** `pod/web`, as kubectl prints it. */
function resourceName(object: { readonly kind: string; readonly name: string }): string {
  return `${object.kind.toLowerCase()}/${object.name}`
}

/** Pods that are made another time need an image that is not there. */
function lackingText({ owner, image, error }: LackingImage): string {
  const what = `${resourceName(owner)}: image ${image} is not there yet`
  return error === undefined
    ? `${what}; it will be needed when pods are made`
    : `${what}: ${causeChain(error)}; it is tried again when pods are made`
}

/** What `HostToContainer` cannot do where the machine does not share its mounts. */
function tellUnseenMounts(pods: readonly PodRecord[], io: Context['io']): void {
  for (const { plan } of pods) {
    const following = plan.members.flatMap(({ mounts }) => mounts.filter(({ propagation }) => propagation === 'rslave'))
    for (const name of new Set(following.map(({ volume }) => volume))) {
      const volume = plan.volumes.find(candidate => candidate.name === name)
      if (volume?.kind !== 'hostPath' || !isPrivate(volume.path)) continue
      io.err(
        `kube: warning: pod ${plan.name}: volume ${name}: ${volume.path} is on a private mount: what is mounted there later will not be seen in the pod\n`,
      )
    }
  }
}
