/** A container's life after its start, as it is recorded: what a supervisor needs to go on where another one ended. */

export interface Termination {
  readonly id: string
  readonly exitCode: number
  /** RFC 3339. */
  readonly startedAt: string
  readonly finishedAt: string
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`. */
  readonly reason: string
  /** From the termination message file, or the end of the log. */
  readonly message?: string
}

export type ProbeKind = 'startup' | 'liveness' | 'readiness'

/** How a probe has gone lately; counted up to its thresholds. */
export interface ProbeTally {
  /** Consecutive ones; one of the two is 0. */
  readonly successes: number
  readonly failures: number
  /** What the last failure said. */
  readonly message?: string
}

export interface ContainerLifecycle {
  /** Of the run before this one. */
  readonly last?: Termination
  /** Milliseconds between the container's next end and its restart. 0 for the first restart. */
  readonly backoffMs: number
  /** When this run was due, in milliseconds since 1970: the back-off begins anew after a long good run. */
  readonly restartedAtMs?: number
  /** Whether the startup probe passed, or there is none, and the postStart hook is over. */
  readonly started: boolean
  /** Whether it takes requests: its readiness probe passes, or there is none. */
  readonly ready: boolean
  /** When that last changed, in milliseconds since 1970; absent: with the start of its command. */
  readonly readyTurnedMs?: number
  /** Why it does not run although it should: `CrashLoopBackOff`, `CreateContainerError`, ... */
  readonly waiting?: { readonly reason: string; readonly message: string }
  /** When what failed before its command could be started is tried again. */
  readonly retry?: Retry
  /** How this run ended: where no monitor saw that, because its command could not be started, and while its traces are removed. */
  readonly end?: Termination
  /** Its command was started, and its postStart hook is not over. */
  readonly hook?: 'running'
  readonly probes: Readonly<Partial<Record<ProbeKind, ProbeTally>>>
}

export interface Retry {
  /** Milliseconds since 1970. */
  readonly atMs: number
  /** That were waited for it. */
  readonly delayMs: number
}

export const NEW_LIFE: ContainerLifecycle = { backoffMs: 0, started: false, ready: false, probes: {} }
