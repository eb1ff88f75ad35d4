/** What probe results mean. Pure. Source: k8s.io/api/core/v1 Probe; kubelet, pkg/kubelet/prober. */
import type { V1Probe } from '@kubernetes/client-node'
import type { ContainerLifecycle, ProbeKind, ProbeTally } from './lifecycle.ts'

export interface ProbeOutcome {
  readonly ok: boolean
  readonly message: string
}

export interface ProbeVerdict {
  readonly lifecycle: ContainerLifecycle
  /** The container must be stopped, and its restart policy decides what then. */
  readonly kill: boolean
}

const NONE: ProbeTally = { successes: 0, failures: 0 }

/** The probes of a container that have a turn now: until the startup probe passed, it alone. */
export function activeProbes(
  probes: Readonly<Partial<Record<ProbeKind, V1Probe>>>,
  lifecycle: ContainerLifecycle,
): readonly ProbeKind[] {
  const kinds: ProbeKind[] = []
  if (probes.startup && !lifecycle.started) return ['startup']
  if (probes.liveness) kinds.push('liveness')
  if (probes.readiness) kinds.push('readiness')
  return kinds
}

/** The container's life after one more result. */
export function applyProbe(
  lifecycle: ContainerLifecycle,
  kind: ProbeKind,
  probe: V1Probe,
  outcome: ProbeOutcome,
): ProbeVerdict {
  const before = lifecycle.probes[kind] ?? NONE
  const enough = probe.successThreshold ?? 1
  const tooMany = probe.failureThreshold ?? 3
  // Not counted beyond what matters: what goes on as it was is no change, and nothing is written down.
  const tally: ProbeTally = outcome.ok
    ? { successes: Math.min(before.successes + 1, enough), failures: 0 }
    : { successes: 0, failures: Math.min(before.failures + 1, tooMany), message: outcome.message }
  const passed = tally.successes >= enough
  const failed = tally.failures >= tooMany
  const next: ContainerLifecycle = { ...lifecycle, probes: { ...lifecycle.probes, [kind]: tally } }
  if (kind === 'readiness')
    return { lifecycle: passed ? { ...next, ready: true } : failed ? { ...next, ready: false } : next, kill: false }
  if (kind === 'startup') return { lifecycle: passed ? { ...next, started: true } : next, kill: failed }
  return { lifecycle: next, kill: failed }
}

/** A container's life at the moment its command was started and its postStart hook was over. */
export function lifeAtStart(
  lifecycle: ContainerLifecycle,
  probes: Readonly<Partial<Record<ProbeKind, V1Probe>>>,
): ContainerLifecycle {
  const { waiting: _waiting, retry: _retry, hook: _hook, readyTurnedMs: _turned, ...rest } = lifecycle
  const started = probes.startup === undefined
  return { ...rest, probes: {}, started, ready: started && probes.readiness === undefined }
}

/** The same while its postStart hook runs: it has not started yet, and takes no requests. */
export function lifeBeforeHook(lifecycle: ContainerLifecycle): ContainerLifecycle {
  return { ...lifeAtStart(lifecycle, {}), started: false, ready: false, hook: 'running' }
}

/** Ready after the startup probe passed, where no readiness probe has to say so. */
export function readyWhenStarted(
  lifecycle: ContainerLifecycle,
  probes: Readonly<Partial<Record<ProbeKind, V1Probe>>>,
): ContainerLifecycle {
  return lifecycle.started && probes.readiness === undefined ? { ...lifecycle, ready: true } : lifecycle
}

export function probesOf(container: {
  readonly startupProbe?: V1Probe
  readonly livenessProbe?: V1Probe
  readonly readinessProbe?: V1Probe
}): Readonly<Partial<Record<ProbeKind, V1Probe>>> {
  const { startupProbe: startup, livenessProbe: liveness, readinessProbe: readiness } = container
  return { ...(startup ? { startup } : {}), ...(liveness ? { liveness } : {}), ...(readiness ? { readiness } : {}) }
}
