/** Jobs and CronJobs on the machine. In real time: the back-off is shortened. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { jobManifest, podTemplate } from '../support/workload-manifests.ts'

/** Initial, maximum, reset, in milliseconds. */
const BACKOFF = '200,1000,60000'

suite('jobs', { concurrency: 3, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })

  const job = (name: string) => kube.get('job', name)
  const pods = (app: string) => kube.list('pods', `app=${app}`)
  const until = (name: string, condition: 'complete' | 'failed') =>
    kube.ok(['wait', `job/${name}`, `--for=condition=${condition}`, '--timeout=20s'])
  const reason = async (name: string) => (await job(name)).status.conditions?.at(-1)?.reason

  test('Indexed: each index once, in its variable, its host name and its annotation', async () => {
    const spec = { completionMode: 'Indexed', completions: 3, parallelism: 2 }
    await kube.play('each', jobManifest('each', { script: 'echo $JOB_COMPLETION_INDEX $(hostname)', spec }))
    await until('each', 'complete')
    const { status, metadata } = await job('each')
    assert.deepEqual([status.succeeded, status.completedIndexes, status.ready], [3, '0-2', 0])
    const all = await pods('each')
    const logs = await Promise.all(all.map(pod => kube.ok(['logs', pod.metadata.name])))
    assert.deepEqual(logs.toSorted(), ['0 each-0\n', '1 each-1\n', '2 each-2\n'])
    assert.deepEqual(
      all.map(pod => pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']).toSorted(),
      ['0', '1', '2'],
    )
    assert.ok(all.every(pod => pod.metadata.ownerReferences?.[0]?.uid === metadata.uid))
    assert.match(
      await kube.ok(['get', 'jobs', 'each']),
      /NAME +STATUS +COMPLETIONS +DURATION +AGE\neach +Complete +3\/3 /,
    )
    assert.match(
      await kube.play('each', jobManifest('each', { script: 'echo $JOB_COMPLETION_INDEX $(hostname)', spec })),
      /unchanged/,
    )
    assert.equal((await pods('each')).length, 3)
    await kube.ok(['down', 'each'])
  })

  test('generateName: a name that the content decides; a work queue counts to one', async () => {
    const named = jobManifest('queue', { script: 'exit 0', spec: { parallelism: 2 } })
    const manifest = named.replace('{"name":"queue"}', '{"generateName":"queue-"}')
    const [, name = ''] = /^job\/(queue-[a-z0-9]{5}) created$/m.exec(await kube.play('queue', manifest)) ?? []
    await until(name, 'complete')
    assert.match(await kube.ok(['get', 'job', name]), /Complete +2\/1 of 2 /)
    assert.match(await kube.play('queue', manifest), new RegExp(`job/${name} unchanged`))
    await kube.ok(['down', 'queue'])
  })

  test('backoffLimit: pods that failed stay, others come, then it has failed', async () => {
    await kube.play('bad', jobManifest('bad', { script: 'exit 3', spec: { backoffLimit: 1 } }))
    await until('bad', 'failed')
    assert.deepEqual([await reason('bad'), (await job('bad')).status.failed], ['BackoffLimitExceeded', 2])
    assert.deepEqual(
      (await pods('bad')).map(pod => pod.status.phase),
      ['Failed', 'Failed'],
    )
    // A changed template is another job.
    await kube.play('bad', jobManifest('bad', { script: 'exit 0', spec: { backoffLimit: 1 } }))
    await until('bad', 'complete')
    await kube.ok(['down', 'bad'])
  })

  test('a failed init container is one more failure, not the end of the play', async () => {
    const initContainers = [{ name: 'prep', image: IMAGE, imagePullPolicy: 'Never', command: ['false'] }]
    await kube.play('init', jobManifest('init', { pod: { initContainers }, spec: { backoffLimit: 1 } }))
    await until('init', 'failed')
    assert.equal((await job('init')).status.failed, 2)
    await kube.ok(['down', 'init'])
  })

  test('OnFailure: the same pod again', async () => {
    const script = '[ -e /d/again ] && exit 0; touch /d/again; exit 1'
    const parts = {
      script,
      container: { volumeMounts: [{ name: 'd', mountPath: '/d' }] },
      pod: { restartPolicy: 'OnFailure', volumes: [{ name: 'd', emptyDir: {} }] },
    }
    await kube.play('again', jobManifest('again', parts))
    await until('again', 'complete')
    assert.equal((await pods('again')).length, 1)
    await kube.ok(['down', 'again'])
  })

  test('podFailurePolicy and backoffLimitPerIndex', async () => {
    const rules = [
      { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
      { action: 'FailIndex', onExitCodes: { operator: 'In', values: [7] } },
    ]
    const [first] = rules
    await kube.play(
      'policy',
      jobManifest('policy', { script: 'exit 42', spec: { podFailurePolicy: { rules: [first] } } }),
    )
    await until('policy', 'failed')
    assert.equal(await reason('policy'), 'PodFailurePolicy')
    const spec = {
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      backoffLimitPerIndex: 1,
      podFailurePolicy: { rules },
    }
    const script = 'case $JOB_COMPLETION_INDEX in 0) exit 7;; 1) exit 1;; esac'
    await kube.play('index', jobManifest('index', { script, spec }))
    await until('index', 'failed')
    const { status } = await job('index')
    assert.deepEqual([status.failedIndexes, status.completedIndexes, status.failed], ['0,1', '2', 3])
    await kube.ok(['down', 'policy', 'index'])
  })

  test('its time is over; suspended and resumed; gone after its time', async () => {
    await kube.play('late', jobManifest('late', { spec: { activeDeadlineSeconds: 1 } }))
    await until('late', 'failed')
    assert.deepEqual([await reason('late'), (await job('late')).status.failed], ['DeadlineExceeded', 1])
    const manifest = (suspend: boolean) =>
      jobManifest('later', { script: 'true', spec: { suspend, ttlSecondsAfterFinished: 3 } })
    await kube.play('later', manifest(true))
    assert.match(await kube.ok(['get', 'job', 'later']), /later +Suspended +0\/1 /)
    assert.deepEqual(await pods('later'), [])
    await kube.play('later', manifest(false))
    await until('later', 'complete')
    await kube.ok(['wait', 'job/later', '--for=delete', '--timeout=10s'])
    await eventually(async () => assert.equal((await pods('later')).length, 0))
    await kube.ok(['down', 'late', 'later'])
  })

  test('a CronJob makes jobs by the clock, and by hand', async () => {
    const template = podTemplate('tick', { script: 'echo tick', pod: { restartPolicy: 'Never' } })
    const manifest = JSON.stringify({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'tick' },
      spec: { schedule: '@every 1s', successfulJobsHistoryLimit: 2, jobTemplate: { spec: { template } } },
    })
    await kube.play('tick', manifest)
    assert.match(await kube.ok(['system', 'info']), /supervisor/)
    const jobs = () => kube.list('jobs')
    const own = async () => (await jobs()).filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'tick')
    await eventually(async () => assert.equal((await own()).filter(({ status }) => status.succeeded === 1).length, 2))
    const cronJob = await kube.get('cronjob', 'tick')
    assert.ok(cronJob.status.lastScheduleTime && cronJob.status.lastSuccessfulTime)
    assert.match(
      await kube.ok(['get', 'cronjobs']),
      /NAME +SCHEDULE +TIMEZONE +SUSPEND +ACTIVE +LAST SCHEDULE +AGE\ntick +@every 1s +<none> +False +\d +\d+s/,
    )
    await kube.play('tick', manifest.replace('@every 1s', '0 0 1 1 *'))
    assert.equal(await kube.ok(['create', 'job', 'now', '--from=cronjob/tick']), 'job.batch/now created\n')
    await until('now', 'complete')
    const { status, stderr } = await kube.run(['create', 'job', 'now', '--from=cronjob/tick'])
    assert.equal(status, 1)
    // The supervisor may just be at work on the app, for which a command waits.
    assert.match(stderr, /^(waiting .*\n)?kube: Error from server \(AlreadyExists\): job "now" already exists\n$/)
    assert.equal(await kube.ok(['logs', 'job/now']), 'tick\n')
    await kube.ok(['down', 'tick'])
    assert.deepEqual([await own(), await pods('tick')], [[], []])
  })

  test('a Job is made of an image and a command, as kubectl makes it', async () => {
    const made = ['create', 'job', 'byhand', `--image=${IMAGE}`]
    const command = ['--', 'sh', '-c', 'echo "$1"', '-', '-o name']
    const text = await kube.ok([...made, '--dry-run=client', '-o', 'yaml', ...command])
    assert.equal(
      text,
      `apiVersion: batch/v1
kind: Job
metadata:
  name: byhand
spec:
  template:
    spec:
      containers:
      - name: byhand
        command:
        - sh
        - "-c"
        - echo "$1"
        - "-"
        - "-o name"
        image: ${IMAGE}
      restartPolicy: Never
`,
    )
    assert.equal(await kube.ok([...made, '--dry-run=server']), 'job.batch/byhand created (server dry run)\n')
    assert.equal((await kube.list('jobs', 'job-name=byhand')).length, 0)

    // What another app of that name made stays.
    await kube.play('byhand', jobManifest('other', { script: 'true' }))
    assert.equal(await kube.ok([...made, ...command]), 'job.batch/byhand created\n')
    await until('byhand', 'complete')
    assert.equal(await kube.ok(['logs', 'job/byhand']), '-o name\n')
    assert.equal((await job('other')).metadata.name, 'other')

    const again = await kube.run([...made, ...command])
    assert.equal(again.status, 1)
    assert.match(again.stderr, /job "byhand" already exists/)
    await kube.ok(['delete', 'job', 'byhand'])
    const json = JSON.parse(await kube.ok([...made, '-o', 'json', ...command]))
    assert.deepEqual([json.kind, json.metadata.name, typeof json.metadata.uid], ['Job', 'byhand', 'string'])
    await kube.ok(['down', 'byhand', 'byhand-2'])
    assert.equal((await pods('other')).length, 0)

    const refused: readonly (readonly [readonly string[], RegExp])[] = [
      [['create', 'job', 'byhand', '--image='], /either --image or --from must be specified/],
      [[...made, '--from=cronjob/x'], /either --image or --from must be specified/],
      [['create', 'job', 'byhand', '--from=cronjob/x', '--', 'date'], /cannot specify --from and command/],
      [
        ['create', 'job', 'by.hand', `--image=${IMAGE}`],
        /The Job "by.hand" is invalid: spec.template.spec.containers\[0\].name: Invalid value: "by.hand"/,
      ],
    ]
    for (const [args, message] of refused) {
      const { status, stderr } = await kube.run(args)
      assert.equal(status, 2, stderr)
      assert.match(stderr, message)
    }
  })
})
