/** Making the images of pods present, as each container's pull policy says. */
import { KubeError } from '../diagnostic.ts'
import type { IdleImage } from '../plan/plan-app.ts'
import type { PodPlan, PullPolicy } from '../plan/types.ts'
import { monotonicMs } from './monotonic.ts'
import type { Host, RegistrySettings } from './ports.ts'
import { outcomeOf, type PullOutcome } from './pull-log.ts'

export interface EnsureOptions {
  readonly signal?: AbortSignal
  /** Told of each image before it is pulled. */
  readonly onPull?: (image: string) => void
  /** How the registries are asked. */
  readonly registry?: RegistrySettings
  /** Pods that are made another time: what they need is pulled, too, but that it cannot be had is no failure. Default none. */
  readonly later?: readonly PodPlan[]
  /** Told of each image that only those need and that cannot be had. */
  readonly onLacking?: (lacking: LackingImage) => void
}

export interface LackingImage extends IdleImage {
  /** Why it could not be had; absent: it was not tried. */
  readonly error?: unknown
}

/**
 * Pulls what is missing, each image once, all at the same time. A present one costs no network unless it is `Always`.
 * Returns what was pulled, by image.
 */
export async function ensureImages(
  host: Host,
  plans: readonly PodPlan[],
  options: EnsureOptions,
): Promise<ReadonlyMap<string, PullOutcome>> {
  const needed = wishesOf(plans)
  const later = [...wishesOf(options.later ?? [])].filter(([image]) => !needed.has(image))
  const pulled = new Map<string, PullOutcome>()
  const pull = async (image: string, { policy, authTexts }: Wish) => {
    const registry = { ...(authTexts.length === 0 ? {} : { authTexts }), ...options.registry }
    const outcome = await ensureImage(host, image, policy, { ...options, registry })
    if (outcome) pulled.set(image, outcome)
  }
  await Promise.all([
    ...[...needed].map(([image, wish]) => pull(image, wish)),
    ...later.map(([image, wish]) =>
      pull(image, wish).catch((error: unknown) => {
        if (options.signal?.aborted) throw error
        options.onLacking?.({ image, owner: wish.owner, error })
      }),
    ),
  ])
  return pulled
}

/** Tells of the images that are not there; nothing is pulled. */
export function tellIdle(host: Host, idle: readonly IdleImage[], onLacking: (lacking: LackingImage) => void): void {
  for (const need of idle) {
    try {
      if (!host.images.find(need.image)) onLacking(need)
    } catch (error) {
      onLacking({ ...need, error })
    }
  }
}

interface Wish {
  readonly policy: PullPolicy
  readonly authTexts: readonly string[]
  /** Of the first pod that wants it. */
  readonly owner: IdleImage['owner']
}

/** What the pods want, by image. */
function wishesOf(plans: readonly PodPlan[]): ReadonlyMap<string, Wish> {
  const wishes = new Map<string, Wish>()
  for (const plan of plans) {
    for (const { image, pullPolicy } of imagesOf(plan)) {
      const known = wishes.get(image)
      wishes.set(image, {
        policy: known && strictness(known.policy) >= strictness(pullPolicy) ? known.policy : pullPolicy,
        authTexts: [...new Set([...(known?.authTexts ?? []), ...plan.registryAuths])],
        owner: known?.owner ?? plan.owner ?? { kind: 'Pod', name: plan.name },
      })
    }
  }
  return wishes
}
/** Of its containers and of its image volumes. */
function imagesOf(plan: PodPlan): readonly { readonly image: string; readonly pullPolicy: PullPolicy }[] {
  return [...plan.members, ...imageVolumes(plan)]
}

/** The images that the pod has as volumes. */
export function imageVolumes(plan: PodPlan): readonly { readonly image: string; readonly pullPolicy: PullPolicy }[] {
  return plan.volumes.flatMap(volume =>
    volume.kind === 'image' ? [{ image: volume.reference, pullPolicy: volume.pullPolicy }] : [],
  )
}

/** Where two containers disagree about an image, the one that asks for more is followed. */
function strictness(policy: PullPolicy): number {
  return { Never: 0, IfNotPresent: 1, Always: 2 }[policy]
}

async function ensureImage(
  host: Host,
  image: string,
  policy: PullPolicy,
  options: EnsureOptions,
): Promise<PullOutcome | undefined> {
  const present = host.images.find(image)
  if (policy !== 'Always' && present) return undefined
  if (policy === 'Never') {
    throw new KubeError('ImageNeverPull', `image ${image} is not present, and its imagePullPolicy is Never`, {
      hint: '`kube pull`, `kube load` or `kube import` bring it here',
    })
  }
  options.onPull?.(image)
  const begunMs = monotonicMs()
  const settings = { ...options.registry, ...(options.signal ? { signal: options.signal } : {}) }
  return outcomeOf(await host.images.pull(image, settings), begunMs)
}
