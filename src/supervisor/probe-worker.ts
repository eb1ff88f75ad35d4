/** One probe of one run of a container, on its timer. */
import { isDeepStrictEqual } from 'node:util'
import type { V1Probe } from '@kubernetes/client-node'
import { recordEvent } from '../engine/events.ts'
import { monotonicMs } from '../engine/monotonic.ts'
import type { HandlerOutcome, Host, PodRecord } from '../engine/ports.ts'
import { startTimer } from '../engine/timer.ts'
import type { MemberPlan } from '../plan/types.ts'
import { type ContainerLifecycle, NEW_LIFE, type ProbeKind } from '../reconcile/lifecycle.ts'
import { activeProbes, applyProbe, probesOf, readyWhenStarted } from '../reconcile/probe.ts'

export interface ProbeWorkerOptions {
  readonly host: Host
  readonly record: PodRecord
  readonly member: MemberPlan
  readonly containerId: string
  readonly attempt: number
  /** When the run began, in milliseconds since 1970. */
  readonly startedMs: number
  /** A probe says that the container must go. */
  readonly onKill: (graceSeconds: number, message: string) => void
  /** It has started, or its readiness changed. */
  readonly onTurn: () => void
}

const WORDS: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }

/** Starts the probes of a running container; disposing of it ends them. */
export function startProbes(options: ProbeWorkerOptions): Disposable {
  const { host, record, member, attempt } = options
  const probes = probesOf(member.container)
  const timers = new Map<ProbeKind, Disposable>()
  let over = false

  /** Read once: while the container runs, nobody else changes it. */
  let life: ContainerLifecycle = record.containers[member.name]?.lifecycle ?? NEW_LIFE

  function schedule(kind: ProbeKind, probe: V1Probe, delayMs: number): void {
    timers.get(kind)?.[Symbol.dispose]()
    timers.set(
      kind,
      startTimer(() => void tick(kind, probe), delayMs),
    )
  }

  async function tick(kind: ProbeKind, probe: V1Probe): Promise<void> {
    const begun = monotonicMs()
    if (over) return
    if (activeProbes(probes, life).includes(kind)) {
      const outcome = await runProbe(options, probe)
      if (over) return
      if (outcome.unasked) {
        // It says nothing of the container. Source: kubelet, pkg/kubelet/prober.
        tell(`${WORDS[kind]} probe errored and resulted in unknown state: ${outcome.message}`)
      } else if (judge(kind, probe, outcome)) return
    } else if (kind === 'startup') return
    const periodMs = (probe.periodSeconds ?? 10) * 1000
    schedule(kind, probe, Math.max(0, periodMs - (monotonicMs() - begun)))
  }

  function tell(message: string): void {
    recordEvent(host, record, member.name, 'Warning', 'Unhealthy', message)
  }

  /** Records a result; true when the container is to be killed and probing is over. */
  function judge(kind: ProbeKind, probe: V1Probe, outcome: HandlerOutcome): boolean {
    const before = life
    const verdict = applyProbe(before, kind, probe, outcome)
    const judged = kind === 'startup' ? readyWhenStarted(verdict.lifecycle, probes) : verdict.lifecycle
    const after = judged.ready === before.ready ? judged : { ...judged, readyTurnedMs: Date.parse(host.now()) }
    // A thousand probes a second must not be a thousand writes: only a change is written.
    if (!isDeepStrictEqual(after, before)) {
      life = after
      host.state.setLifecycle(record.uid, member.name, attempt, after)
    }
    if (!outcome.ok) tell(`${WORDS[kind]} probe failed: ${outcome.message}`)
    // Whoever waits for the container need not wait for the period of another probe as well.
    if (after.started && !before.started) begin(other => other !== 'startup')
    if (after.started !== before.started || after.ready !== before.ready) options.onTurn()
    if (!verdict.kill) return false
    over = true
    const grace = probe.terminationGracePeriodSeconds ?? record.plan.terminationGracePeriodSeconds
    options.onKill(grace, `Container ${member.name} failed ${kind} probe, will be restarted`)
    return true
  }

  /** As soon as its initial delay is over. */
  function begin(kinds: (kind: ProbeKind) => boolean): void {
    for (const [kind, probe] of Object.entries(probes) as readonly [ProbeKind, V1Probe][]) {
      const dueMs = options.startedMs + (probe.initialDelaySeconds ?? 0) * 1000
      if (kinds(kind)) schedule(kind, probe, Math.max(0, dueMs - Date.parse(host.now())))
    }
  }

  begin(() => true)
  return {
    [Symbol.dispose]() {
      over = true
      for (const timer of timers.values()) timer[Symbol.dispose]()
    },
  }
}

function runProbe({ host, record, member, containerId }: ProbeWorkerOptions, probe: V1Probe): Promise<HandlerOutcome> {
  return host.handlers.run({
    handler: probe,
    containerId,
    container: member.name,
    ports: member.container.ports ?? [],
    address: record.address ?? '127.0.0.1',
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
    userAgent: 'kube-probe/1.36',
  })
}
