/** The action table: everything the engine can do to the machine, and what undoes it. */

/** A pod's identity once it was made: a UUID. Everything made for the pod is named after it. */
export type PodUid = string

/** Arguments of each kind of action: names only, so that an action can be written down. */
export interface ActionArgs {
  /** Makes the pod's directories and files (hosts, resolv.conf), its shared memory and its volumes. */
  makeSandbox: { uid: PodUid }
  removeSandbox: { uid: PodUid }
  /** Starts the infra container, which owns the pod's namespaces. */
  startInfra: { uid: PodUid }
  stopInfra: { uid: PodUid }
  /** Gives the pod's network namespace its interface, address and routes. */
  attachNetwork: { uid: PodUid }
  detachNetwork: { uid: PodUid }
  mountRootfs: { uid: PodUid; container: string }
  unmountRootfs: { uid: PodUid; container: string }
  /** The OCI runtime's create: everything is set up, the command does not run yet. */
  createContainer: { uid: PodUid; container: string }
  deleteContainer: { uid: PodUid; container: string }
  /** `leavesHook`: its postStart hook is noted as running and not waited for. */
  startContainer: { uid: PodUid; container: string; leavesHook?: true }
  /** Stop signal, wait for the grace period (seconds), SIGKILL, wait. `message`: why, for its event. */
  killContainer: { uid: PodUid; container: string; graceSeconds: number; message?: string }
  /**
   * Removes a container that ended and makes way for its next run, with a fresh root file system. `all`: the whole pod
   * begins anew.
   */
  retireContainer: { uid: PodUid; container: string; all?: true }
  /** Gives the address and the ports of a pod that is over back; its record, logs and files stay. */
  endPod: { uid: PodUid }
  /** Releases the pod's address and ports and forgets its record: the last of its removal. */
  forgetPod: { uid: PodUid }
}

export type ActionKind = keyof ActionArgs

export type Action<K extends ActionKind = ActionKind> = {
  readonly [P in K]: { readonly kind: P } & Readonly<ActionArgs[P]>
}[K]

/**
 * What undoes an action, `undefined` for what only takes away. A removal has no inverse, which is why everything is
 * validated, planned and pulled before the first one. Each inverse copes with an action that ran half or not at all.
 */
export function inverse(action: Action): Action | undefined {
  switch (action.kind) {
    case 'makeSandbox':
      return { kind: 'removeSandbox', uid: action.uid }
    case 'startInfra':
      return { kind: 'stopInfra', uid: action.uid }
    case 'attachNetwork':
      return { kind: 'detachNetwork', uid: action.uid }
    case 'mountRootfs':
      return { kind: 'unmountRootfs', uid: action.uid, container: action.container }
    case 'createContainer':
      return { kind: 'deleteContainer', uid: action.uid, container: action.container }
    case 'startContainer':
      return { kind: 'killContainer', uid: action.uid, container: action.container, graceSeconds: 0 }
    case 'removeSandbox':
    case 'stopInfra':
    case 'detachNetwork':
    case 'unmountRootfs':
    case 'deleteContainer':
    case 'killContainer':
    case 'retireContainer':
    case 'endPod':
    case 'forgetPod':
      return undefined
  }
}

/** Names an action among those of one run: `startContainer <uid> web`. */
export function actionKey(action: Action): string {
  return 'container' in action ? `${action.kind} ${action.uid} ${action.container}` : `${action.kind} ${action.uid}`
}

const STEPS: Readonly<Record<ActionKind, string>> = {
  makeSandbox: 'make its directories and volumes',
  removeSandbox: 'remove its directories and volumes',
  startInfra: 'start the infra container',
  stopInfra: 'stop the infra container',
  attachNetwork: 'attach to the network',
  detachNetwork: 'detach from the network',
  mountRootfs: 'mount the root file system',
  unmountRootfs: 'unmount the root file system',
  createContainer: 'create the container',
  deleteContainer: 'delete the container',
  startContainer: 'start the container',
  killContainer: 'stop the container',
  retireContainer: 'remove what is left of its last run',
  endPod: 'release its address and ports',
  forgetPod: 'release its address, ports and record',
}

/** The action in words, for messages: `start the container`. */
export function stepOf(kind: ActionKind): string {
  return STEPS[kind]
}
