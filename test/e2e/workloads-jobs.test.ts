/** Jobs and CronJobs on the machine. In real time: the back-off is shortened. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { lacking } from '../support/need.ts'
import { Session } from '../support/session.ts'
import { jobManifest, podTemplate } from '../support/workload-manifests.ts'
import type { PodView, WorkloadView } from '../support/workload-views.ts'

// Initial, maximum, reset.
process.env.KUBE_BACKOFF_MS = '200,1000,60000'

suite('jobs', { concurrency: 3, skip: lacking('crun', 'conmon', 'catatonit', 'nft') }, () => {
  let kube: Session
  before(async () => {
    kube = await Session.open()
  })
  after(() => kube.close())

  const job = (name: string) => kube.json<WorkloadView>(['get', 'job', name])
  const pods = async (app: string) =>
    (await kube.json<{ items: readonly PodView[] }>(['get', 'pods', '-l', `app=${app}`])).items
  const until = (name: string, condition: 'complete' | 'failed') =>
    kube.ok(['wait', `job/${name}`, `--for=condition=${condition}`, '--timeout=20s'])
  const reason = async (name: string) => (await job(name)).status.conditions?.at(-1)?.reason

  test('Indexed: each index once, in its variable, its host name and its annotation', async () => {
    const spec = { completionMode: 'Indexed', completions: 3, parallelism: 2 }
    await kube.play(jobManifest('each', { script: 'echo $JOB_COMPLETION_INDEX $(hostname)', spec }), 'each')
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
      await kube.play(jobManifest('each', { script: 'echo $JOB_COMPLETION_INDEX $(hostname)', spec }), 'each'),
      /unchanged/,
    )
    assert.equal((await pods('each')).length, 3)
    await kube.ok(['down', 'each'])
  })

  test('backoffLimit: pods that failed stay, others come, then it has failed', async () => {
    await kube.play(jobManifest('bad', { script: 'exit 3', spec: { backoffLimit: 1 } }), 'bad')
    await until('bad', 'failed')
    assert.deepEqual([await reason('bad'), (await job('bad')).status.failed], ['BackoffLimitExceeded', 2])
    assert.deepEqual(
      (await pods('bad')).map(pod => pod.status.phase),
      ['Failed', 'Failed'],
    )
    // A changed template is another job.
    await kube.play(jobManifest('bad', { script: 'exit 0', spec: { backoffLimit: 1 } }), 'bad')
    await until('bad', 'complete')
    await kube.ok(['down', 'bad'])
  })

  test('a failed init container is one more failure, not the end of the play', async () => {
    const initContainers = [
      { name: 'prep', image: 'localhost/busybox:test', imagePullPolicy: 'Never', command: ['false'] },
    ]
    await kube.play(jobManifest('init', { pod: { initContainers }, spec: { backoffLimit: 1 } }), 'init')
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
    await kube.play(jobManifest('again', parts), 'again')
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
      jobManifest('policy', { script: 'exit 42', spec: { podFailurePolicy: { rules: [first] } } }),
      'policy',
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
    await kube.play(jobManifest('index', { script, spec }), 'index')
    await until('index', 'failed')
    const { status } = await job('index')
    assert.deepEqual([status.failedIndexes, status.completedIndexes, status.failed], ['0,1', '2', 3])
    await kube.ok(['down', 'policy', 'index'])
  })

  test('its time is over; suspended and resumed; gone after its time', async () => {
    await kube.play(jobManifest('late', { spec: { activeDeadlineSeconds: 1 } }), 'late')
    await until('late', 'failed')
    assert.equal(await reason('late'), 'DeadlineExceeded')
    const manifest = (suspend: boolean) =>
      jobManifest('later', { script: 'true', spec: { suspend, ttlSecondsAfterFinished: 3 } })
    await kube.play(manifest(true), 'later')
    assert.match(await kube.ok(['get', 'job', 'later']), /later +Suspended +0\/1 /)
    assert.deepEqual(await pods('later'), [])
    await kube.play(manifest(false), 'later')
    await until('later', 'complete')
    await kube.ok(['wait', 'job/later', '--for=delete', '--timeout=10s'])
    await kube.eventually(async () => (await pods('later')).length === 0)
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
    await kube.play(manifest, 'tick')
    assert.match(await kube.ok(['system', 'info']), /supervisor/)
    const jobs = async () => (await kube.json<{ items: readonly WorkloadView[] }>(['get', 'jobs'])).items
    const own = async () => (await jobs()).filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'tick')
    await kube.eventually(async () => (await own()).filter(({ status }) => status.succeeded === 1).length === 2)
    const cronJob = await kube.json<WorkloadView>(['get', 'cronjob', 'tick'])
    assert.ok(cronJob.status.lastScheduleTime && cronJob.status.lastSuccessfulTime)
    assert.match(
      await kube.ok(['get', 'cronjobs']),
      /NAME +SCHEDULE +TIMEZONE +SUSPEND +ACTIVE +LAST SCHEDULE +AGE\ntick +@every 1s +<none> +False +\d +\d+s/,
    )
    await kube.play(manifest.replace('@every 1s', '0 0 1 1 *'), 'tick')
    assert.equal(await kube.ok(['create', 'job', 'now', '--from=cronjob/tick']), 'job.batch/now created\n')
    await until('now', 'complete')
    const { status, stderr } = await kube.run(['create', 'job', 'now', '--from=cronjob/tick'])
    assert.deepEqual([status, stderr], [1, 'kube: Error from server (AlreadyExists): job "now" already exists\n'])
    assert.equal(await kube.ok(['logs', 'job/now']), 'tick\n')
    await kube.ok(['down', 'tick'])
    assert.deepEqual([await own(), await pods('tick')], [[], []])
  })
})
