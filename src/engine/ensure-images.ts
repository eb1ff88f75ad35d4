/** Making the images of pods present, as each container's pull policy says. */
import { KubeError } from '../diagnostic.ts'
import type { PodPlan, PullPolicy } from '../plan/types.ts'
import type { Host, RegistrySettings } from './ports.ts'
import { outcomeOf, type PullOutcome } from './pull-log.ts'

export interface EnsureOptions {
  readonly signal?: AbortSignal
  /** Told of each image before it is pulled. */
  readonly onPull?: (image: string) => void
  /** How the registries are asked. */
  readonly registry?: RegistrySettings
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
  const policies = new Map<string, PullPolicy>()
  const auths = new Map<string, readonly string[]>()
  for (const plan of plans) {
    for (const { image, pullPolicy } of imagesOf(plan)) {
      const known = policies.get(image)
      if (known === undefined || strictness(pullPolicy) > strictness(known)) policies.set(image, pullPolicy)
      auths.set(image, [...new Set([...(auths.get(image) ?? []), ...plan.registryAuths])])
    }
  }
  const pulled = new Map<string, PullOutcome>()
  await Promise.all(
    [...policies].map(async ([image, policy]) => {
      const authTexts = auths.get(image) ?? []
      const registry = { ...(authTexts.length === 0 ? {} : { authTexts }), ...options.registry }
      const outcome = await ensureImage(host, image, policy, { ...options, registry })
      if (outcome) pulled.set(image, outcome)
    }),
  )
  return pulled
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
  const begunMs = performance.now()
  const settings = { ...options.registry, ...(options.signal ? { signal: options.signal } : {}) }
  return outcomeOf(await host.images.pull(image, settings), begunMs)
}
