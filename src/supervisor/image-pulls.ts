/**
 * The images of one pod's containers: each is looked for when its container's turn has come, and pulled as its policy
 * says. Source: kubelet, pkg/kubelet/images/image_manager.go.
 */
import { causeChain, KubeError } from '../diagnostic.ts'
import { imageVolumes } from '../engine/ensure-images.ts'
import { recordEvent } from '../engine/events.ts'
import { monotonicMs } from '../engine/monotonic.ts'
import type { EngineImage, Host, PodRecord } from '../engine/ports.ts'
import { outcomeOf, type PullLog, pulledText, pullingText } from '../engine/pull-log.ts'
import { noteWaiting } from '../engine/start-failure.ts'
import type { MemberPlan, PullPolicy } from '../plan/types.ts'
import { decideImages, type Held } from '../reconcile/decide.ts'
import { ABSENT, type ObservedPod } from '../reconcile/observed.ts'
import { nextBackoff } from '../reconcile/restart.ts'

/** Pulls an image; those who ask for the same one at the same time share it. */
export type Pull = (image: string, authTexts: readonly string[]) => Promise<EngineImage>

export interface ImagePullsOptions {
  readonly host: Host
  readonly uid: string
  readonly pull: Pull
  /** Called when a pull is over. */
  readonly onEnd: () => void
}

export interface ImagePulls extends PullLog {
  /** Begins what is due; returns what has to wait for its image. */
  look(pod: ObservedPod): Held
  /** Containers whose images are on their way. */
  readonly pulling: Iterable<string>
}

/** An image that a container can't be made without: its own, or that of a volume. */
interface Need {
  /** Of the container; of the volume in a way that no container has it. */
  readonly key: string
  readonly image: string
  readonly pullPolicy: PullPolicy
}

/** How long a failed pull is told as such before it is told that it is waited for, in milliseconds at most. */
const NEWS_MS = 1000

export function imagePulls({ host, uid, pull, onEnd }: ImagePullsOptions): ImagePulls {
  /** By the need's key: what was found, or pulled, since its container was made the last time. */
  const ready = new Map<string, 'found' | 'pulled'>()
  const pulling = new Set<string>()

  function isReady({ key, image, pullPolicy }: Need): boolean {
    if (ready.has(key)) return true
    if (pullPolicy === 'Always' || !host.images.findNow(image)) return false
    ready.set(key, 'found')
    return true
  }

  function begin(member: MemberPlan, { key, image, pullPolicy }: Need): void {
    const record = host.state.pod(uid)
    if (!record || record.removing || pulling.has(member.name)) return
    const { name } = member
    // What the pod was seen like may be older than the last failure.
    if ((record.containers[name]?.lifecycle?.retry?.atMs ?? 0) > Date.parse(host.now())) return
    const wrong = wrongName(host, image)
    if (wrong !== undefined) {
      recordEvent(host, record, name, 'Warning', 'InspectFailed', wrong)
      fail(record, member, 'InvalidImageName', wrong)
      onEnd()
      return
    }
    if (pullPolicy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`
      recordEvent(host, record, name, 'Warning', 'ErrImageNeverPull', message)
      fail(record, member, 'ErrImageNeverPull', message)
      onEnd()
      return
    }
    recordEvent(host, record, name, 'Normal', 'Pulling', pullingText(image))
    pulling.add(name)
    const begunMs = monotonicMs()
    pull(image, record.plan.registryAuths)
      .then(
        found => {
          ready.set(key, 'pulled')
          recordEvent(host, record, name, 'Normal', 'Pulled', pulledText(image, outcomeOf(found, begunMs)))
          forgetWait(member)
        },
        (error: unknown) => pullFailed(record, member, image, error),
      )
      .finally(() => {
        pulling.delete(name)
        onEnd()
      })
  }

  function pullFailed(record: PodRecord, member: MemberPlan, image: string, error: unknown): void {
    // The supervisor ends, or the pod is gone: that is no failure of the image.
    if (error instanceof KubeError && error.code === 'Interrupted') return
    const now = host.state.pod(uid)
    if (!now || now.removing) return
    const message = causeChain(error)
    recordEvent(host, record, member.name, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
    const before = host.state.container(uid, member.name)?.lifecycle
    const waited = isPullWait(before?.waiting?.reason) ? (before?.retry?.delayMs ?? 0) : 0
    fail(record, member, 'ErrImagePull', message, nextBackoff(waited, host.backoff))
  }

  function fail(record: PodRecord, member: MemberPlan, reason: string, message: string, delayMs?: number): void {
    noteWaiting(host, record, member, { reason, message }, delayMs ?? host.backoff.initialMs)
    recordEvent(host, record, member.name, 'Warning', 'Failed', `Error: ${reason}`)
  }

  function forgetWait({ name }: MemberPlan): void {
    const known = host.state.container(uid, name)
    if (!known?.lifecycle || !isPullWait(known.lifecycle.waiting?.reason)) return
    const { waiting: _waiting, retry: _retry, ...lifecycle } = known.lifecycle
    host.state.setLifecycle(uid, name, known.attempt, lifecycle)
  }

  return {
    pulling,
    look(pod) {
      const bare = pod.plan.members.filter(({ name }) => {
        const { state, rootfs } = pod.containers[name] ?? ABSENT
        return state === 'absent' && rootfs === 'absent'
      })
      // Its next run asks again.
      for (const { name } of pod.plan.members)
        if ((pod.containers[name] ?? ABSENT).state !== 'absent') ready.delete(name)
      if (bare.length === 0) return NOTHING_HELD
      const volumes = volumeNeeds(pod)
      for (const member of decideImages(pod, Date.parse(host.now()))) {
        const missing = [needOf(member), ...volumes].find(need => !isReady(need))
        if (missing) begin(member, missing)
      }
      const waits = bare.filter(member => pulling.has(member.name) || !isReady(needOf(member)))
      return { containers: new Set(waits.map(({ name }) => name)), sandbox: volumes.some(need => !isReady(need)) }
    },
    take: (_record, { name }) => (ready.get(name) === 'pulled' ? 'told' : undefined),
  }
}

const NOTHING_HELD: Held = { containers: new Set(), sandbox: false }

function needOf({ name, image, pullPolicy }: MemberPlan): Need {
  return { key: name, image, pullPolicy }
}

/** Nothing of the pod can be made before the images of its volumes are there. */
function volumeNeeds({ plan, sandbox }: ObservedPod): readonly Need[] {
  return sandbox === 'present' ? [] : imageVolumes(plan).map(need => ({ ...need, key: `volume ${need.image}` }))
}

/** Why the image's name is none; undefined: it is one. */
function wrongName(host: Host, image: string): string | undefined {
  try {
    host.images.requireName(image)
    return undefined
  } catch {
    const parse = `couldn't parse image name "${image}": invalid reference format`
    return `Failed to apply default image tag "${image}": ${parse}`
  }
}

function isPullWait(reason: string | undefined): boolean {
  return reason === 'ErrImagePull' || reason === 'ImagePullBackOff'
}

/** When a failed pull becomes a wait, in milliseconds since 1970; undefined: none is to. */
export function pullNewsMs(record: PodRecord): number | undefined {
  const due = Object.values(record.containers).flatMap(({ lifecycle }) => {
    if (lifecycle?.waiting?.reason !== 'ErrImagePull' || !lifecycle.retry) return []
    const { atMs, delayMs } = lifecycle.retry
    return [atMs - delayMs + Math.min(NEWS_MS, delayMs / 2)]
  })
  return due.length === 0 ? undefined : Math.min(...due)
}

/** Tells of pulls that failed a moment ago that they are waited for. */
export function tellPullBackoff(host: Host, record: PodRecord): void {
  const due = pullNewsMs(record)
  if (due === undefined || due > Date.parse(host.now())) return
  for (const { name, attempt, lifecycle } of Object.values(record.containers)) {
    const member = record.plan.members.find(other => other.name === name)
    if (lifecycle?.waiting?.reason !== 'ErrImagePull' || !member) continue
    const text = `Back-off pulling image "${member.image}"`
    const waiting = { reason: 'ImagePullBackOff', message: `${text}: ErrImagePull: ${lifecycle.waiting.message}` }
    host.state.setLifecycle(record.uid, name, attempt, { ...lifecycle, waiting })
    recordEvent(host, record, name, 'Normal', 'BackOff', text)
    recordEvent(host, record, name, 'Warning', 'Failed', 'Error: ImagePullBackOff')
  }
}
