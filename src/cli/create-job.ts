/** `kube create job NAME`: one of an image, or a CronJob's, now. Source: kubectl pkg/cmd/create/create_job.go. */
import type { V1Job } from '@kubernetes/client-node'
import { formatPath, KubeError } from '../diagnostic.ts'
import { addObject } from '../engine/change-object.ts'
import { printYaml } from '../manifest/print.ts'
import { readManifests } from '../manifest/read.ts'
import { cronJobSpec, jobChild, MANUAL_JOB } from '../workloads/cron-job.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'
import { type PlayedOnce, playOnce } from './play-once.ts'
import { formatObjects, parseOutput, type TextFormat } from './print-objects.ts'
import { resourceKind } from './resources.ts'
import { findTargets } from './workload-target.ts'
import { readWorld } from './world.ts'

export interface CreateJobOptions {
  readonly namespace: string
  readonly from?: string
  readonly image?: string
  /** `none`, `client` or `server`. */
  readonly dryRun?: string
  readonly output?: string
}

/** Longest name of a Job. Source: RFC 1123 labels, which its pods' names become. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/

export async function runCreateJob(
  [name, command]: [string, readonly string[]],
  options: CreateJobOptions,
  context: Context,
): Promise<undefined> {
  // Empty is not given: kubectl looks at the lengths.
  const [from, image] = [options.from || undefined, options.image || undefined]
  if ((from === undefined) === (image === undefined))
    throw new KubeError('Usage', 'either --image or --from must be specified', {
      exitStatus: 2,
      hint: 'give --image=IMAGE, or --from=cronjob/NAME',
    })
  if (from !== undefined && command.length > 0)
    throw new KubeError('Usage', 'cannot specify --from and command', { exitStatus: 2 })
  if (!NAME.test(name))
    throw new KubeError('Usage', `not a name of a Job: ${name}`, {
      exitStatus: 2,
      hint: 'lower case letters, digits and -, at most 63 of them',
    })
  const print = printer(name, options, context)
  if (from !== undefined) await createFrom(name, from, { options, context, print })
  else
    await createOf(jobOf(name, { namespace: options.namespace, image: image!, command }), { options, context, print })
  return undefined
}

interface Creation {
  readonly options: CreateJobOptions
  readonly context: Context
  readonly print: Printer
}

async function createFrom(name: string, from: string, { options, context, print }: Creation): Promise<void> {
  const { io } = context
  const resource = from.includes('/') ? from : `cronjob/${from}`
  const [target] = await findTargets([resource], options, context, { kinds: ['CronJob'], verb: 'create job' })
  const { record } = target!
  const host = await context.host()
  const seed = host.newUid()
  const child = jobChild(record, cronJobSpec(record), { name, annotations: MANUAL_JOB, seed })
  if (options.dryRun !== undefined && options.dryRun !== 'none') return print.dryRun(child.value as V1Job)
  const job = {
    ...child,
    app: record.app,
    namespace: record.namespace,
    owner: record.uid,
    createdAt: host.now(),
    ...(record.origin === undefined ? {} : { origin: record.origin }),
  }
  await addObject(job, {
    host,
    signal: context.signal,
    onWait: pid => io.err(`waiting for another kube (pid ${pid}) to finish with app ${record.app}\n`),
  })
  print.created(host)
}

/** An app of its own, played: what is wrong with the image or the command is told at once. */
async function createOf(job: V1Job, { options, context, print }: Creation): Promise<void> {
  const { namespace, dryRun } = options
  const name = job.metadata!.name!
  if (dryRun === 'client') return print.dryRun(job)
  const text = printYaml(job)
  const { diagnostics } = await readManifests([{ name: '-', text }], { namespace })
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) {
    const causes = errors.map(({ path, message }) => `${formatPath(path)}: ${message}`)
    throw new KubeError('ManifestInvalid', `The Job "${name}" is invalid: ${causes.join(', ')}`, { exitStatus: 2 })
  }
  const host = await context.host()
  const isThere = host.state.objects({ kind: 'Job', namespace, made: true }).some(other => other.name === name)
  if (isThere) throw new KubeError('AlreadyExists', `Error from server (AlreadyExists): job "${name}" already exists`)
  if (dryRun === 'server') return print.dryRun(job)
  const io = { ...context.io, readInput: async () => Buffer.from(text), out: () => {} }
  const { failure }: PlayedOnce = await playOnce(['-'], { namespace, app: freeApp(host, name) }, { ...context, io })
  if (failure) throw failure
  print.created(host)
}

/** The Job's own name, unless another app has it: a play under a name that is taken would prune what that app made. */
function freeApp(host: RealHost, name: string): string {
  const taken = new Set(host.state.apps().map(app => app.name))
  let choice = name
  for (let i = 2; taken.has(choice); i++) choice = `${name}-${i}`
  return choice
}

interface JobWish {
  readonly namespace: string
  readonly image: string
  readonly command: readonly string[]
}

/** As kubectl makes it. */
function jobOf(name: string, { namespace, image, command }: JobWish): V1Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, ...(namespace === 'default' ? {} : { namespace }) },
    spec: {
      template: {
        spec: {
          containers: [{ ...(command.length === 0 ? {} : { command: [...command] }), image, name }],
          restartPolicy: 'Never',
        },
      },
    },
  }
}

interface Printer {
  /** What would have been made. */
  readonly dryRun: (job: V1Job) => void
  /** What there is now. */
  readonly created: (host: RealHost) => void
}

/** A line, or the object in the format of `-o`. Fails with exit status 2 for a format there is not. */
function printer(name: string, { namespace, output, dryRun }: CreateJobOptions, { io }: Context): Printer {
  const format = parseOutput(output)
  const told = format.kind === 'table' || format.kind === 'wide' ? undefined : (format satisfies TextFormat)
  const suffix = dryRun === undefined || dryRun === 'none' ? '' : ` (${dryRun === 'server' ? 'server ' : ''}dry run)`
  const line = `job.batch/${name} created${suffix}\n`
  return {
    dryRun: job => io.out(told ? formatObjects(told, [job as never], false) : line),
    created(host) {
      if (told === undefined) return io.out(line)
      io.out(formatObjects(told, [readWorld(host).get(resourceKind('Job'), namespace, name)], false))
    },
  }
}
