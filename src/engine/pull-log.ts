/** Which images were pulled for a run, so that the events of its containers tell it. */
import type { MemberPlan } from '../plan/types.ts'
import { goDuration } from '../reconcile/restart.ts'
import { monotonicMs } from './monotonic.ts'
import type { EngineImage, PodRecord } from './ports.ts'

export interface PullOutcome {
  readonly durationMs: number
  /** Bytes of its unpacked layers; absent where nobody knows. */
  readonly sizeBytes?: number
}

export interface PullLog {
  /** Of a container that is being made; `told`: its events are recorded already; undefined: the image was there. */
  take(record: Pick<PodRecord, 'uid'>, member: MemberPlan): PullOutcome | 'told' | undefined
}

/** Of images that were pulled for all pods of a command. With `Always` each container asks for its own. */
export function sharedPulls(pulled: ReadonlyMap<string, PullOutcome>): PullLog {
  const left = new Map(pulled)
  return {
    take(_record, { image, pullPolicy }) {
      const outcome = left.get(image)
      if (pullPolicy !== 'Always') left.delete(image)
      return outcome
    },
  }
}

/** When `image` is what came, `begunMs` (of `monotonicMs`) when it was asked for. */
export function outcomeOf({ sizeBytes }: EngineImage, begunMs: number): PullOutcome {
  const durationMs = Math.round(monotonicMs() - begunMs)
  return { durationMs, ...(sizeBytes === undefined ? {} : { sizeBytes }) }
}

/** Source of the words: kubelet, pkg/kubelet/images/image_manager.go. */
export function pullingText(image: string): string {
  return `Pulling image "${image}"`
}

export function pulledText(image: string, { durationMs, sizeBytes }: PullOutcome): string {
  const size = sizeBytes === undefined ? '' : ` Image size: ${sizeBytes} bytes.`
  const time = goDuration(durationMs)
  return `Successfully pulled image "${image}" in ${time} (${time} including waiting).${size}`
}

export function presentText(image: string): string {
  return `Container image "${image}" already present on machine and can be accessed by the pod`
}
