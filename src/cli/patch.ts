/**
 * `kube patch`: conditions of pods, which readiness gates wait for. Everything else is changed in the manifest and played
 * again. Source: kubectl pkg/cmd/patch; the merge of conditions by type is that of k8s.io/api/core/v1 PodStatus.
 */
import { during, KubeError } from '../diagnostic.ts'
import type { PodCondition } from '../engine/ports.ts'
import { needsController } from '../engine/workload-world.ts'
import { parseYaml } from '../manifest/parse-yaml.ts'
import { checkQualifiedName } from '../manifest/rules/names.ts'
import { wireTime } from '../status/wire.ts'
import type { Context } from './context.ts'
import { findPods } from './find-pod.ts'

export interface PatchOptions {
  readonly namespace: string
  readonly patch?: string
  readonly patchFile?: string
  readonly type: string
  readonly subresource?: string
  readonly output?: string
}

/** Those that are decided by what the pod does. */
const OWN: ReadonlySet<string> = new Set([
  'AllContainersRestarting',
  'ContainersReady',
  'Initialized',
  'PodReadyToStartContainers',
  'PodScheduled',
  'Ready',
])

export async function runPatch(
  [type, name]: [string, string | undefined],
  options: PatchOptions,
  context: Context,
): Promise<undefined> {
  const { io } = context
  const given = conditionsOf(await readPatch(options, context))
  if (options.subresource !== 'status')
    throw usage('a status is changed by its own subresource', 'give --subresource=status')
  const host = await context.host()
  const now = wireTime(host.now())
  for (const record of findPods(host, name === undefined ? type : `${type}/${name}`, options.namespace)) {
    const before = record.conditions ?? []
    // A merge patch replaces lists as a whole.
    const kept = options.type === 'merge' ? [] : before.filter(old => !given.some(({ type }) => type === old.type))
    const after = [...kept, ...given.map(condition => changed(condition, before, now))]
    const isNews = JSON.stringify(after) !== JSON.stringify(before)
    if (isNews) host.state.setConditions(record.uid, after)
    const title = `pod/${record.plan.name}`
    io.out(options.output === 'name' ? `${title}\n` : `${title} patched${isNews ? '' : ' (no change)'}\n`)
    if (isNews) host.wakeSupervisor(needsController(host, record.app) ? 'always' : [])
  }
  return undefined
}

async function readPatch({ patch, patchFile, type }: PatchOptions, { io }: Context): Promise<unknown> {
  if (type !== 'strategic' && type !== 'merge')
    throw usage(
      `--type=${type}: only strategic and merge patches are known`,
      "write the conditions as in the pod's status",
    )
  const text = patch ?? (patchFile === undefined ? undefined : await readPatchFile(patchFile, io))
  if (text === undefined) throw usage('the patch is missing', 'give -p PATCH or --patch-file FILE')
  try {
    return parseYaml(text)
  } catch (error) {
    throw new KubeError('Usage', 'the patch is neither JSON nor YAML', { exitStatus: 2, cause: error })
  }
}

async function readPatchFile(path: string, io: Context['io']): Promise<string> {
  try {
    return Buffer.from(await io.readInput(path)).toString('utf8')
  } catch (error) {
    throw during(`read ${path}`, error)
  }
}

type Condition = Omit<PodCondition, 'lastTransitionTime'> & { readonly lastTransitionTime?: string }

/** What a patch says of `status.conditions`; it may say nothing else. */
function conditionsOf(patch: unknown): readonly Condition[] {
  const { status, ...rest } = fieldsOf(patch, 'the patch')
  const { conditions, ...others } = status === undefined ? {} : fieldsOf(status, 'status')
  const strange = [...Object.keys(rest), ...Object.keys(others).map(key => `status.${key}`)][0]
  if (strange !== undefined)
    throw usage(`${strange} cannot be patched`, 'only status.conditions can; change the manifest and play it again')
  if (!Array.isArray(conditions) || conditions.length === 0) throw usage('status.conditions: a list is expected')
  return conditions.map((condition, index) => conditionOf(condition, `status.conditions[${index}]`))
}

function conditionOf(value: unknown, path: string): Condition {
  const { type, status, reason, message, lastTransitionTime } = fieldsOf(value, path)
  if (typeof type !== 'string') throw usage(`${path}.type: Required value`)
  const [wrong] = checkQualifiedName(type)
  if (wrong !== undefined) throw usage(`${path}.type: Invalid value: ${JSON.stringify(type)}: ${wrong}`)
  if (OWN.has(type)) throw usage(`${path}.type: ${type} follows from what the pod does`)
  if (status !== 'True' && status !== 'False' && status !== 'Unknown') {
    const supported = 'supported values: "False", "True", "Unknown"'
    throw usage(`${path}.status: Unsupported value: ${JSON.stringify(status ?? '')}: ${supported}`)
  }
  return {
    type,
    status,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    ...(typeof lastTransitionTime === 'string' ? { lastTransitionTime } : {}),
  }
}

/** What the patch leaves out stays; the time changes with the status. */
function changed(condition: Condition, before: readonly PodCondition[], now: string): PodCondition {
  const old = before.find(({ type }) => type === condition.type)
  const since = old?.status === condition.status ? old.lastTransitionTime : now
  return { ...old, ...condition, lastTransitionTime: condition.lastTransitionTime ?? since }
}

function fieldsOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw usage(`${path}: a mapping is expected`, `-p '{"status":{"conditions":[{"type":"TYPE","status":"True"}]}}'`)
}

function usage(message: string, hint?: string): KubeError {
  return new KubeError('Usage', message, { exitStatus: 2, ...(hint === undefined ? {} : { hint }) })
}
