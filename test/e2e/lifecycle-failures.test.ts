/** Containers that can't be started: images that can't be had, settings that are not there, commands that don't run. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'
import { type ContainerStatusView, containerOf, type PodView } from '../support/object-views.ts'
import { serving } from '../support/serving.ts'
import { jobManifest, workloadManifest } from '../support/workload-manifests.ts'

/** Initial, maximum, reset, in milliseconds. */
const BACKOFF = '600,1200,60000'

/** Nothing answers there. */
const NOWHERE = '127.0.0.1:1/test/app:1'

suite('failures of starts', { concurrency: 4, skip: cannotRunPods }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })

  /** A Deployment whose only pod is made by the supervisor. */
  async function deploy(name: string, container: object): Promise<PodView> {
    await kube.play(name, workloadManifest('Deployment', name, { container, spec: { replicas: 0 } }))
    await kube.ok(['scale', `deployment/${name}`, '--replicas=1'])
    await eventually(async () => assert.equal((await podsOf(name)).length, 1))
    return (await podsOf(name))[0]!
  }

  async function podsOf(app: string): Promise<readonly PodView[]> {
    return kube.list('pods', `app=${app}`)
  }

  async function untilState(
    pod: PodView,
    question: (state: ContainerStatusView['state'], all: ContainerStatusView) => boolean,
  ): Promise<ContainerStatusView> {
    return eventually(async () => {
      const seen = containerOf((await kube.get('pod', pod.metadata.name)).status, 'main')
      assert.ok(question(seen.state, seen), JSON.stringify(seen))
      return seen
    })
  }

  test('an image that cannot be pulled: tried again with a back-off, in the words of a kubelet', async () => {
    const pod = await deploy('no-registry', { image: NOWHERE, imagePullPolicy: 'IfNotPresent' })
    await untilState(pod, ({ waiting }) => waiting?.reason === 'ErrImagePull')
    const { state, restartCount } = await untilState(pod, ({ waiting }) => waiting?.reason === 'ImagePullBackOff')
    assert.match(
      state.waiting?.message ?? '',
      /^Back-off pulling image "127.0.0.1:1\/test\/app:1": ErrImagePull: pull /,
    )
    assert.equal(restartCount, 0)
    const { status } = await kube.get('pod', pod.metadata.name)
    assert.equal(status.phase, 'Pending')
    const name = `pod/${pod.metadata.name}`
    await kube.told(name, `BackOff Back-off pulling image "${NOWHERE}"`)
    const events = await kube.eventsOf(name)
    for (const text of [
      `Pulling Pulling image "${NOWHERE}"`,
      'Failed Error: ErrImagePull',
      'Failed Error: ImagePullBackOff',
    ])
      assert.ok(events.includes(text), `${text} in\n${events.join('\n')}`)
    assert.ok(events.some(text => text.startsWith(`Failed Failed to pull image "${NOWHERE}": `)))
    const { stderr } = await kube.run(['logs', pod.metadata.name])
    assert.match(stderr, /is waiting to start: (trying and failing to pull image|image can't be pulled)/)
    // It comes as soon as the image is there.
    await kube.ok(['tag', IMAGE, NOWHERE])
    await kube.ok(['wait', name, '--for=condition=Ready', '--timeout=20s'])
    await kube.ok(['down', 'no-registry'])
  })

  test('a pull that hangs keeps nobody from taking the app away', async t => {
    const { port } = await serving(t, createServer() as never)
    const pod = await deploy('hangs', { image: `127.0.0.1:${port}/test/app:1`, imagePullPolicy: 'Always' })
    await kube.told(`pod/${pod.metadata.name}`, 'Pulling ')
    const begun = performance.now()
    await kube.ok(['down', 'hangs'])
    assert.ok(performance.now() - begun < 3000)
  })

  test('an image that is not there and must not be pulled', async () => {
    const image = 'localhost/absent:1'
    const pod = await deploy('never-pull', { image, imagePullPolicy: 'Never' })
    const { state } = await untilState(pod, ({ waiting }) => waiting?.reason === 'ErrImageNeverPull')
    assert.equal(state.waiting?.message, `Container image "${image}" is not present with pull policy of Never`)
    await kube.told(`pod/${pod.metadata.name}`, 'Failed Error: ErrImageNeverPull')
    await kube.ok(['down', 'never-pull'])
  })

  test('a name that no image can have', async () => {
    const pod = await deploy('wrong-name', { image: 'Not:::a:name' })
    const { state } = await untilState(pod, ({ waiting }) => waiting?.reason === 'InvalidImageName')
    assert.match(
      state.waiting?.message ?? '',
      /^Failed to apply default image tag "Not:::a:name": couldn't parse image name/,
    )
    await kube.ok(['down', 'wrong-name'])
  })

  test('a setting that the image does not allow', async () => {
    const pod = await deploy('as-root', { securityContext: { runAsNonRoot: true } })
    const { state } = await untilState(pod, ({ waiting }) => waiting?.reason === 'CreateContainerConfigError')
    assert.match(state.waiting?.message ?? '', /^container has runAsNonRoot and image will run as root/)
    await kube.ok(['down', 'as-root'])
  })

  test('a command that is not in the image counts as a run', async () => {
    const pod = await deploy('no-command', { command: ['nonexistent'] })
    const seen = await untilState(pod, (_state, { restartCount }) => restartCount >= 1)
    const { terminated } = seen.lastState
    assert.equal(terminated?.exitCode, 128)
    assert.equal(terminated?.reason, 'StartError')
    assert.match(terminated?.message ?? '', /command "nonexistent" is not in the image/)
    await kube.ok(['down', 'no-command'])
  })

  test('a command that the kernel does not take', async () => {
    const command = ['true', 'x'.repeat(200_000)]
    await kube.play('too-long', podManifest('too-long', [{ command }], { restartPolicy: 'Never' }))
    await kube.ok(['wait', 'pod/too-long', '--for=jsonpath={.status.phase}=Failed', '--timeout=20s'])
    const { status } = await kube.get('pod', 'too-long')
    const { terminated } = containerOf(status, 'main').state
    assert.equal(terminated?.exitCode, 128)
    assert.equal(terminated?.reason, 'StartError')
    assert.match(terminated?.message ?? '', /: Argument list too long$/)
    assert.equal(await kube.ok(['logs', 'too-long']), '')
    assert.match(await kube.ok(['get', 'pod', 'too-long']), /0\/1 +StartError/)
    await kube.ok(['down', 'too-long'])
  })

  test('a volume that cannot be mounted is told', async () => {
    const pod = { volumes: [{ name: 'data', hostPath: { path: '/nonexistent/data', type: 'Directory' } }] }
    const container = { volumeMounts: [{ name: 'data', mountPath: '/data' }] }
    await kube.play('no-mount', workloadManifest('Deployment', 'no-mount', { pod, container, spec: { replicas: 0 } }))
    await kube.ok(['scale', 'deployment/no-mount', '--replicas=1'])
    await eventually(async () => assert.equal((await podsOf('no-mount')).length, 1))
    const { metadata } = (await podsOf('no-mount'))[0]!
    const failed = 'FailedMount MountVolume.SetUp failed for volume "data" : hostPath type check failed: '
    await kube.told(`pod/${metadata.name}`, failed)
    await kube.ok(['down', 'no-mount'])
  })

  test('the host port of a pod that is over is free for another; run anew, it has address and port again', async () => {
    const hostPort = await freePort()
    const volumes = [{ name: 'd', emptyDir: {} }]
    const script =
      '[ -e /d/again ] || { touch /d/again; exit 0; }; echo served >/d/index.html; exec httpd -f -p 8080 -h /d'
    const web = { script, ports: [{ containerPort: 8080, hostPort }], volumeMounts: [{ name: 'd', mountPath: '/d' }] }
    await kube.play('first', podManifest('first', [web], { restartPolicy: 'Never', volumes }))
    await kube.ok(['wait', 'pod/first', '--for=condition=PodReadyToStartContainers=False', '--timeout=20s'])
    await kube.play('second', podManifest('second', [{ ports: web.ports }]))
    const taken = await kube.run(['restart', 'first'])
    assert.equal(taken.status, 1)
    assert.match(taken.stderr, new RegExp(`host port ${hostPort}/TCP is in use by pod default/second`))
    await kube.ok(['down', 'second'])
    await kube.ok(['restart', 'first'])
    const { status } = await kube.get('pod', 'first')
    assert.match(await kube.ok(['exec', '-q', 'first', '--', 'ip', 'addr']), new RegExp(`inet ${status.podIP}/`))
    assert.match(
      await kube.ok(['exec', '-q', 'first', '--', 'cat', '/etc/hosts']),
      new RegExp(`${status.podIP}\\s+first`),
    )
    await eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${hostPort}/`).catch(() => undefined)
      assert.equal(await answer?.text(), 'served\n')
    })
    await kube.ok(['down', 'first'])
  })

  test('a bare pod whose image cannot be had is not made', async () => {
    const manifest = podManifest('bare', [{ image: NOWHERE.replace('app', 'other'), imagePullPolicy: 'Always' }])
    const { status, stderr } = await kube.run(['play', '--app', 'bare', '-'], { input: manifest })
    assert.equal(status, 1)
    assert.match(stderr, /connection refused/)
    assert.doesNotMatch(await kube.ok(['get', 'pods']), /bare/)
  })

  test('an image that no pod needs now is only told of; a pod that needs it waits for it', async () => {
    const image = NOWHERE.replace('app', 'lacking')
    const parts = { container: { image, imagePullPolicy: 'IfNotPresent' } }
    const { metadata: _metadata, ...job } = JSON.parse(jobManifest('nightly', parts))
    const manifest = [
      JSON.stringify({
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'nightly' },
        spec: { schedule: '0 0 29 2 *', jobTemplate: { spec: job.spec } },
      }),
      jobManifest('suspended', { ...parts, spec: { suspend: true } }),
      workloadManifest('Deployment', 'scaled-down', { ...parts, spec: { replicas: 0 } }),
      workloadManifest('Deployment', 'present', { spec: { replicas: 0 } }),
    ].join('\n---\n')
    const { status, stdout, stderr } = await kube.run(['play', '--app', 'lacking', '-'], { input: manifest })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^cronjob\/nightly created$/m)
    const warnings = stderr.split('\n').filter(line => line.startsWith('kube: warning: '))
    assert.match(
      warnings[0] ?? '',
      /^kube: warning: cronjob\/nightly: image \S+ is not there yet: pull .* refused; it is tried again when pods are made$/,
    )
    assert.deepEqual(
      warnings.slice(1),
      ['job/suspended', 'deployment/scaled-down'].map(
        owner => `kube: warning: ${owner}: image ${image} is not there yet; it will be needed when pods are made`,
      ),
    )
    await kube.ok(['create', 'job', 'manual', '--from=cronjob/nightly'])
    await eventually(async () => {
      const [pod] = await kube.list('pods', 'job-name=manual')
      assert.match(containerOf(pod!.status, 'main').state.waiting?.reason ?? '', /^(ErrImagePull|ImagePullBackOff)$/)
    })
    await kube.ok(['down', 'lacking'])
  })

  test('what only a running pod needs is given back when it is over; logs and status stay', async () => {
    const job = jobManifest('over', { script: 'echo done; exit 3', spec: { backoffLimit: 0 } })
    await kube.play('over', job)
    await kube.ok(['wait', 'job/over', '--for=condition=Failed', '--timeout=20s'])
    const [pod] = await podsOf('over')
    const { name, uid } = pod!.metadata
    await eventually(async () => {
      const { status } = await kube.get('pod', name)
      const ready = status.conditions.find(({ type }) => type === 'PodReadyToStartContainers')
      assert.equal(ready?.status, 'False')
    })
    const { status } = await kube.get('pod', name)
    assert.equal(status.phase, 'Failed')
    assert.match(status.podIP ?? '', /^10\./)
    assert.equal(containerOf(status, 'main').state.terminated?.exitCode, 3)
    assert.equal(await kube.ok(['logs', name]), 'done\n')
    const inside = ['-c', `grep -l ${uid} /proc/[0-9]*/cgroup 2>/dev/null | wc -l`]
    await eventually(async () => assert.equal(execFileSync('sh', inside, { encoding: 'utf8' }).trim(), '0'))
    assert.ok(existsSync(`${kube.root}/pods/${uid}`))
    await kube.ok(['down', 'over'])
  })
})
