/** `kube create job NAME --from=cronjob/X`: a CronJob's job, now. Source: kubectl pkg/cmd/create/create_job.go. */
import { KubeError } from '../diagnostic.ts'
import { addObject } from '../engine/change-object.ts'
import { cronJobSpec, jobChild, MANUAL_JOB } from '../workloads/cron-job.ts'
import type { Context } from './context.ts'
import { findTargets } from './workload-target.ts'

export interface CreateJobOptions {
  readonly namespace: string
  readonly from?: string
  readonly output?: string
}

/** Longest name of a Job. Source: RFC 1123 labels, which its pods' names become. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/

export async function runCreateJob([name]: [string], options: CreateJobOptions, context: Context): Promise<undefined> {
  const { io } = context
  if (options.from === undefined)
    throw new KubeError('Usage', 'the CronJob to make it from is missing', {
      exitStatus: 2,
      hint: 'give --from=cronjob/NAME',
    })
  if (!NAME.test(name))
    throw new KubeError('Usage', `not a name of a Job: ${name}`, {
      exitStatus: 2,
      hint: 'lower case letters, digits and -, at most 63 of them',
    })
  const from = options.from.includes('/') ? options.from : `cronjob/${options.from}`
  const [target] = await findTargets([from], options, context, { kinds: ['CronJob'], verb: 'create job' })
  const { record } = target!
  const host = await context.host()
  const seed = host.newUid()
  const child = jobChild(record, cronJobSpec(record), { name, annotations: MANUAL_JOB, seed })
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
  io.out(options.output === 'name' ? `job.batch/${name}\n` : `job.batch/${name} created\n`)
  return undefined
}
