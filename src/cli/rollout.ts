/** `kube rollout`: how far a workload's update is, what it was before, and back to that. Source: kubectl pkg/cmd/rollout. */
import type { V1Deployment } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import { changeObject } from '../engine/change-object.ts'
import type { ObjectRecord } from '../engine/ports.ts'
import { timeoutSignal } from '../engine/timer.ts'
import { needsController } from '../engine/workload-world.ts'
import { printYaml } from '../manifest/print.ts'
import { templateHash } from '../plan/names.ts'
import { wireTime } from '../status/wire.ts'
import { restartedTemplate } from '../workloads/replay.ts'
import {
  ROLLED_KINDS,
  type RolledObject,
  type RolloutRevision,
  rolloutProgress,
  rolloutRevisions,
  withTemplate,
} from '../workloads/rollout.ts'
import type { Context } from './context.ts'
import { parseDuration } from './duration.ts'
import { table } from './render.ts'
import { resourceKind } from './resources.ts'
import { watchChanges } from './watch-changes.ts'
import { findTargets, type Target, type TargetOptions } from './workload-target.ts'
import { readWorld } from './world.ts'

export interface RolloutOptions extends TargetOptions {
  readonly revision?: number
  readonly toRevision?: number
  readonly watch?: boolean
  readonly timeout?: string
}

type Args = [readonly string[]]

/** Follows the rollout to its end, unless `--watch=false`. */
export async function runRolloutStatus([resources]: Args, options: RolloutOptions, context: Context): Promise<number> {
  const targets = await targetsOf(resources, options, context, 'rollout status')
  const timeoutMs = parseDuration(options.timeout ?? '0')
  const signal = timeoutMs === 0 ? context.signal : AbortSignal.any([context.signal, timeoutSignal(timeoutMs)])
  for (const { record } of targets) await follow(record, options, { context, signal })
  return 0
}

async function follow(
  { app, kind, namespace, name }: ObjectRecord,
  options: RolloutOptions,
  { context, signal }: { readonly context: Context; readonly signal: AbortSignal },
): Promise<void> {
  const { io } = context
  const host = await context.host()
  using changes = watchChanges(host.layout)
  // A command that was killed may have stored a change without waking anybody.
  if (needsController(host, app)) host.wakeSupervisor('always')
  let last = ''
  for (;;) {
    const object = readWorld(host).get(resourceKind(kind), namespace, name)
    const { isDone, message, failure } = rolloutProgress(object as RolledObject)
    if (failure !== undefined) throw new KubeError('RolloutFailed', failure)
    if (message !== last) io.out(`${message}\n`)
    last = message
    if (isDone || options.watch === false) return
    if (!(await changes.next(signal))) {
      if (context.signal.aborted) throw new KubeError('Interrupted', 'interrupted')
      throw new KubeError('Timeout', 'timed out waiting for the condition')
    }
  }
}

/** All revisions with why they were made; with `--revision` that one's template. */
export async function runRolloutHistory([resources]: Args, options: RolloutOptions, context: Context): Promise<number> {
  const { io } = context
  for (const { record, title } of await targetsOf(resources, options, context, 'rollout history')) {
    const revisions = await revisionsOf(record, context)
    if (options.revision === undefined) {
      const rows = revisions.map(({ number, changeCause }) => [String(number), changeCause ?? '<none>'])
      io.out(`${title} \n${table(['REVISION', 'CHANGE-CAUSE'], rows)}\n`)
      continue
    }
    const { template } = requireRevision(revisions, options.revision)
    io.out(`${title} with revision #${options.revision}\n${printYaml({ 'Pod Template': template })}`)
  }
  return 0
}

/** Back to the revision before the present one, or to `--to-revision`. */
export async function runRolloutUndo([resources]: Args, options: RolloutOptions, context: Context): Promise<number> {
  const { io } = context
  for (const target of await targetsOf(resources, options, context, 'rollout undo')) {
    const { record, title } = target
    if (isPaused(record))
      throw new KubeError('Paused', `cannot roll back ${title}: it is paused`, {
        hint: `kube rollout resume ${title} first`,
      })
    const revisions = await revisionsOf(record, context)
    const wanted = options.toRevision || undefined
    const { template, number } = wanted === undefined ? previousOf(revisions) : requireRevision(revisions, wanted)
    if (templateHash(template) === templateHash(revisions.at(-1)?.template)) {
      io.out(`${title} skipped rollback (current template already matches revision ${number})\n`)
      continue
    }
    await change(target, value => withTemplate(value, template), context)
    io.out(`${title} rolled back\n`)
  }
  return 0
}

/** New pods in place of all, as after a change of the template. */
export async function runRolloutRestart([resources]: Args, options: RolloutOptions, context: Context): Promise<number> {
  const host = await context.host()
  const at = wireTime(host.now())
  for (const target of await targetsOf(resources, options, context, 'rollout restart')) {
    const { record, title } = target
    if (isPaused(record))
      throw new KubeError('Paused', `${title} can't restart paused deployment (run rollout resume first)`)
    const restart = (value: object) =>
      withTemplate(value, restartedTemplate((value as V1Deployment).spec!.template, at))
    await change(target, restart, context)
    context.io.out(`${title} restarted\n`)
  }
  return 0
}

export async function runRolloutPause(args: Args, options: RolloutOptions, context: Context): Promise<number> {
  return setPaused(args, options, context, true)
}

export async function runRolloutResume(args: Args, options: RolloutOptions, context: Context): Promise<number> {
  return setPaused(args, options, context, false)
}

async function setPaused(
  [resources]: Args,
  options: RolloutOptions,
  context: Context,
  paused: boolean,
): Promise<number> {
  const verb = paused ? 'rollout pause' : 'rollout resume'
  const word = paused ? 'paused' : 'resumed'
  const targets = await findTargets(resources, options, context, { kinds: ['Deployment'], verb, byType: true })
  for (const target of targets) {
    if (isPaused(target.record) === paused)
      throw new KubeError('AlreadySo', `${target.title} is ${paused ? 'already paused' : 'not paused'}`)
    const set = (value: object) => ({ ...value, spec: { ...(value as V1Deployment).spec, paused } })
    await change(target, set, context)
    context.io.out(`${target.title} ${word}\n`)
  }
  return 0
}

function targetsOf(
  resources: readonly string[],
  options: RolloutOptions,
  context: Context,
  verb: string,
): Promise<readonly Target[]> {
  return findTargets(resources, options, context, { kinds: ROLLED_KINDS, verb, byType: true })
}

async function change({ record }: Target, by: (value: object) => object, context: Context): Promise<void> {
  const host = await context.host()
  await changeObject(record, current => by(current.value), {
    host,
    signal: context.signal,
    onWait: pid => context.io.err(`waiting for another kube (pid ${pid}) to finish with app ${record.app}\n`),
  })
}

function isPaused({ value }: ObjectRecord): boolean {
  return (value as V1Deployment).spec?.paused === true
}

async function revisionsOf({ app, uid }: ObjectRecord, context: Context): Promise<readonly RolloutRevision[]> {
  const host = await context.host()
  return rolloutRevisions(host.state.objects({ app, made: true }).filter(({ owner }) => owner === uid))
}

function previousOf(revisions: readonly RolloutRevision[]): RolloutRevision {
  const previous = revisions.at(-2)
  if (!previous) throw new KubeError('NoRevision', 'no rollout history found')
  return previous
}

function requireRevision(revisions: readonly RolloutRevision[], number: number): RolloutRevision {
  const found = revisions.find(revision => revision.number === number)
  if (found) return found
  throw new KubeError('NoRevision', `unable to find specified revision ${number} in history`, {
    hint: `there are: ${revisions.map(revision => revision.number).join(', ')}`,
  })
}
