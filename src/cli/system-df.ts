/** `kube system df`: what takes how much of the disk. */
import { join } from 'node:path'
import { directoriesIn, diskUsage } from '../host/sys/disk-usage.ts'
import type { Context } from './context.ts'
import { imageUse } from './image-use.ts'
import { bytes as sizeText } from './image-words.ts'
import { table } from './render.ts'

interface Usage {
  readonly type: string
  readonly total: number
  readonly active: number
  readonly bytes: number
  /** What `prune` would give back. */
  readonly reclaimableBytes: number
}

export async function runSystemDf(
  _args: [],
  options: { readonly output?: string },
  context: Context,
): Promise<undefined> {
  const host = await context.host()
  const { layout } = host
  const pods = host.state.pods()
  const images = host.store.list()
  const isUsed = imageUse(host)
  const podDirectories = directoriesIn(layout.podsDir)
  const sizes = { layers: 0, volumes: 0, logs: 0, orphans: 0 }
  for (const uid of podDirectories) {
    const directory = layout.podDir(uid)
    if (!pods.some(pod => pod.uid === uid)) {
      sizes.orphans += await diskUsage(directory)
      continue
    }
    sizes.layers += await diskUsage(join(directory, 'rootfs'))
    sizes.volumes += await diskUsage(join(directory, 'volumes'))
    sizes.logs += await diskUsage(join(directory, 'logs'))
  }
  const claims = directoriesIn(join(layout.root, 'volumes'))
  const members = pods.reduce((sum, { plan }) => sum + plan.members.length, 0)
  const usages: readonly Usage[] = [
    {
      type: 'Images',
      total: images.length,
      active: images.filter(image => isUsed(image.id)).length,
      bytes: await diskUsage(join(layout.root, 'images')),
      reclaimableBytes: images.filter(image => !isUsed(image.id)).reduce((sum, image) => sum + image.sizeBytes, 0),
    },
    { type: 'Containers', total: members, active: members, bytes: sizes.layers, reclaimableBytes: 0 },
    { type: 'Pod volumes', total: pods.length, active: pods.length, bytes: sizes.volumes, reclaimableBytes: 0 },
    {
      type: 'Claims',
      total: claims.length,
      active: claims.length,
      bytes: await diskUsage(join(layout.root, 'volumes')),
      reclaimableBytes: 0,
    },
    { type: 'Logs', total: members, active: members, bytes: sizes.logs, reclaimableBytes: 0 },
    {
      type: 'Left over',
      total: podDirectories.length - podDirectories.filter(uid => pods.some(pod => pod.uid === uid)).length,
      active: 0,
      bytes: sizes.orphans,
      reclaimableBytes: sizes.orphans,
    },
  ]
  if (options.output === 'json') context.io.out(`${JSON.stringify(usages, null, 2)}\n`)
  else {
    const rows = usages.map(({ type, total, active, bytes, reclaimableBytes }) => [
      type,
      String(total),
      String(active),
      sizeText(bytes),
      sizeText(reclaimableBytes),
    ])
    context.io.out(table(['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'], rows))
  }
  return undefined
}
