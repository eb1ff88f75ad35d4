/** What can't be made of a pod before somebody pulled its images. */
import type { PullPolicy } from '../plan/types.ts'
import type { Held } from '../reconcile/decide.ts'
import { ABSENT, type ObservedPod } from '../reconcile/observed.ts'
import { imageVolumes } from './ensure-images.ts'
import type { Host } from './ports.ts'

/** By the presence of the images and their policies alone. */
export function heldImages(host: Host, pod: ObservedPod): Held {
  const lacks = ({ image, pullPolicy }: { readonly image: string; readonly pullPolicy: PullPolicy }) =>
    pullPolicy === 'Always' || !host.images.findNow(image)
  const bare = pod.plan.members.filter(({ name }) => {
    const { state, rootfs } = pod.containers[name] ?? ABSENT
    return state === 'absent' && rootfs === 'absent'
  })
  return { containers: new Set(bare.filter(lacks).map(({ name }) => name)), sandbox: lacksVolumes(pod, lacks) }
}

function lacksVolumes(
  { sandbox, plan }: ObservedPod,
  lacks: (need: ReturnType<typeof imageVolumes>[number]) => boolean,
): boolean {
  return sandbox === 'absent' && imageVolumes(plan).some(lacks)
}
