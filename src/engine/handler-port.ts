/** What asks containers: probes and hooks. */
import type { V1ContainerPort, V1GRPCAction, V1LifecycleHandler } from '@kubernetes/client-node'

/** What probes and hooks do, from outside the container, with nothing of the image but what an `exec` names. */
export interface HandlerPort {
  /** Runs a handler; an outcome that is not ok carries why, in the kubelet's words. Never fails. */
  run(handler: HandlerRequest): Promise<HandlerOutcome>
}

export interface HandlerOutcome {
  readonly ok: boolean
  /** Why it is not, in the kubelet's words; else what was answered. */
  readonly message: string
  /**
   * It says nothing of the container: that was not asked, or its answer is not known. There is no such port, the command
   * cannot be executed, or this machine is short of what it takes to ask.
   */
  readonly unasked?: true
}

export interface HandlerRequest {
  readonly handler: V1LifecycleHandler & { readonly grpc?: V1GRPCAction }
  /** The runtime's id of the container. */
  readonly containerId: string
  /** Its ports, for handlers that name one. */
  readonly ports: readonly V1ContainerPort[]
  readonly address: string
  readonly timeoutMs: number
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined
  /** The container's name, for messages. */
  readonly container: string
  readonly userAgent: string
}
