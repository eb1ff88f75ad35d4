/** Changing an object that is there, for its controller to act on. */
import { KubeError } from '../diagnostic.ts'
import { claimApp } from './claim.ts'
import type { Host, ObjectRecord } from './ports.ts'

export interface ChangeOptions {
  readonly host: Host
  readonly signal?: AbortSignal
  readonly onWait?: (pid: number) => void
}

/**
 * Records the object's new value and wakes the supervisor. `change` is given what is recorded once nobody else is at work
 * on the app; what it throws changes nothing. Fails with `NotFound` when the object is gone by then.
 */
export async function changeObject(
  object: ObjectRecord,
  change: (current: ObjectRecord) => object,
  options: ChangeOptions,
): Promise<void> {
  const { host } = options
  {
    using _claim = await claimApp(host, object.app, options)
    const current = host.state.objects({ app: object.app, made: true }).find(({ uid }) => uid === object.uid)
    if (!current) throw new KubeError('NotFound', `${object.kind} ${object.name} was removed in the meantime`)
    host.state.putObject({ ...current, value: change(current) })
  }
  host.wakeSupervisor('always')
}

/** Adds an object that a controller would make, by hand: a CronJob's Job. Fails with `AlreadyExists`. */
export async function addObject(object: ObjectRecord, options: ChangeOptions): Promise<void> {
  const { host } = options
  {
    using _claim = await claimApp(host, object.app, options)
    const { kind, namespace, name } = object
    const known = host.state.objects({ kind, namespace, made: true }).some(other => other.name === name)
    if (known)
      throw new KubeError(
        'AlreadyExists',
        `Error from server (AlreadyExists): ${kind.toLowerCase()} "${name}" already exists`,
      )
    host.state.putObject(object)
  }
  host.wakeSupervisor('always')
}
