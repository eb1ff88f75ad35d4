/** Which images pods need. */
import type { Digest } from '../host/images/types.ts'
import type { RealHost } from './host.ts'

/** Whether a pod's container, or one that is about to be made, or an image volume uses the image with this ID. */
export function imageUse(host: Pick<RealHost, 'state' | 'store'>): (id: Digest) => boolean {
  const used = new Set<Digest>()
  const add = (reference: string): void => {
    const image = host.store.find(reference)
    if (image) used.add(image.id)
  }
  for (const record of host.state.pods()) {
    for (const container of Object.values(record.containers)) used.add(container.imageId)
    for (const member of record.plan.members) add(member.image)
    for (const volume of record.plan.volumes) if (volume.kind === 'image') add(volume.reference)
  }
  return id => used.has(id)
}
