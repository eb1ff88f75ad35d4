/** What Kubernetes' node conformance tests ask of a kubelet, as far as no other file here asks it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { container, pod } from '../support/objects.ts'

describe('node conformance', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  const conditionOf = (name: string, type: string) => {
    const { conditions } = kube.get('pod', name).status
    const { status, reason, message } = conditions.find(condition => condition.type === type)!
    return [status, reason, message]
  }
  const statusOf = (name: string, container: string) => containerOf(kube.get('pod', name).status, container)

  test('an init container that fails on a pod that is never restarted fails the pod, which stays', () => {
    const spec = {
      restartPolicy: 'Never',
      initContainers: [
        container('init1', { command: ['true'] }),
        container('init2', { command: ['sh', '-c', 'echo why; false'] }),
      ],
    }
    const objects = [pod('init', { spec }), pod('other')]
    const { status, stdout, stderr } = kube.run('play', '--app', 'init', kube.manifest(objects))
    assert.equal(status, 1)
    assert.equal(stdout, 'pod/init created\npod/other created\n')
    assert.equal(
      stderr,
      'kube: pod init: init container init2 ended with status 1: nothing after it is started\n  | why\n' +
        '  hint: `kube logs init -c init2` shows all that it wrote; the pod stays until it is taken down\n',
    )
    assert.equal(kube.get('pod', 'other').status.phase, 'Running')
    assert.equal(kube.get('pod', 'init').status.phase, 'Failed')
    assert.deepEqual(conditionOf('init', 'Initialized'), [
      'False',
      'ContainersNotInitialized',
      'containers with incomplete status: [init2]',
    ])
    assert.deepEqual([statusOf('init', 'init1').ready, statusOf('init', 'init2').state.terminated?.exitCode], [true, 1])
    assert.deepEqual(statusOf('init', 'main').state, { waiting: { reason: 'PodInitializing' } })
    assert.equal(kube.logs('init', 'init2'), 'why\n')
    kube.down('init')
  })

  test('several failed init containers are all told, with the end of what each wrote', () => {
    const failing = (name: string, code: number) =>
      pod(name, {
        spec: {
          restartPolicy: 'Never',
          initContainers: [container('first', { command: ['sh', '-c', `seq 1 12; echo ${name}; exit ${code}`] })],
        },
      })
    const manifest = kube.manifest([failing('one', 3), failing('two', 4)])
    const { status, stderr } = kube.run('play', '--app', 'several', '--namespace', 'apart', manifest)
    assert.equal(status, 1)
    const lines = (name: string) => [...[4, 5, 6, 7, 8, 9, 10, 11, 12].map(String), name].map(text => `  | ${text}`)
    assert.deepEqual(stderr.trimEnd().split('\n'), [
      'kube: 2 init containers failed, and nothing after them is started',
      '  pod one: init container first ended with status 3: nothing after it is started',
      ...lines('one'),
      '  pod two: init container first ended with status 4: nothing after it is started',
      ...lines('two'),
      '  hint: `kube logs one -c first -n apart` shows all that it wrote; the pod stays until it is taken down',
    ])
    const waited = kube.run(
      'play',
      '--app',
      'several',
      '--namespace',
      'apart',
      '--replace',
      '--wait=complete',
      manifest,
    )
    assert.equal(waited.status, 1)
    assert.match(waited.stderr, /^kube: pod\/one, pod\/two failed$/m)
    kube.down('several')
  })

  test('an init container that fails on a pod that is restarted is tried again, and nothing after it', () => {
    const initContainers = [container('init1', { command: ['false'] }), container('init2', { command: ['true'] })]
    kube.play('again', pod('again', { spec: { initContainers } }))
    kube.ok('wait', 'pod/again', '--for=jsonpath={.status.initContainerStatuses[0].restartCount}=1', '--timeout=20s')
    assert.equal(kube.get('pod', 'again').status.phase, 'Pending')
    assert.deepEqual(conditionOf('again', 'Initialized'), [
      'False',
      'ContainersNotInitialized',
      'containers with incomplete status: [init1 init2]',
    ])
    assert.deepEqual(statusOf('again', 'init2').state, { waiting: { reason: 'PodInitializing' } })
    assert.deepEqual(statusOf('again', 'main').state, { waiting: { reason: 'PodInitializing' } })
    kube.down('again')
  })

  test('a container whose rule says so has the whole pod begin anew, with its volumes and its address', () => {
    const volumeMounts = [{ name: 'work', mountPath: '/work' }]
    const note = (name: string, more = '') => ['sh', '-c', `echo ${name} >> /work/log; ${more}`]
    const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }]
    const source = 'if [ -e /work/done ]; then sleep 1000; else touch /work/done; exit 42; fi'
    kube.play(
      'anew',
      pod('anew', {
        container: {
          command: note('source', source),
          volumeMounts,
          restartPolicy: 'Never',
          restartPolicyRules: rules,
        },
        spec: {
          restartPolicy: 'Never',
          volumes: [{ name: 'work', emptyDir: {} }],
          initContainers: [
            container('init', { command: note('init'), volumeMounts }),
            container('side', { command: note('side', 'sleep 1000'), volumeMounts, restartPolicy: 'Always' }),
          ],
        },
      }),
    )
    const { podIP } = kube.get('pod', 'anew').status
    kube.ok('wait', 'pod/anew', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', '--timeout=20s')
    kube.ok('wait', 'pod/anew', '--for=condition=Ready', '--timeout=20s')
    assert.equal(kube.sh('anew', 'cat /work/log', 'main'), 'init\nside\nsource\ninit\nside\nsource')
    assert.equal(kube.get('pod', 'anew').status.podIP, podIP)
    const { phase, initContainerStatuses, containerStatuses } = kube.get('pod', 'anew').status
    assert.equal(phase, 'Running')
    for (const status of [...(initContainerStatuses ?? []), ...containerStatuses]) {
      assert.equal(status.restartCount, 1, status.name)
      assert.equal(status.lastState.terminated?.reason, 'RestartingAllContainers')
      assert.equal(status.lastState.terminated?.exitCode, 137)
    }
    assert.deepEqual(conditionOf('anew', 'AllContainersRestarting'), ['False', undefined, undefined])
    kube.down('anew')
  })

  test('a container of its own restart policy keeps its pod from being over, or ends it', () => {
    const command = ['sh', '-c', 'exit 1']
    kube.play(
      'own',
      pod('always', { container: { command, restartPolicy: 'Always' }, spec: { restartPolicy: 'Never' } }),
      pod('never', { container: { command, restartPolicy: 'Never' }, spec: { restartPolicy: 'Always' } }),
    )
    kube.waitForPhase('never', 'Failed')
    kube.ok('wait', 'pod/always', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', '--timeout=20s')
    assert.equal(kube.get('pod', 'always').status.phase, 'Running')
    kube.down('own')
  })

  test('a pod that is over has completed, and keeps its address', () => {
    kube.play('over', pod('over', { container: { command: ['true'] }, spec: { restartPolicy: 'Never' } }))
    kube.waitForPhase('over', 'Succeeded')
    assert.deepEqual(conditionOf('over', 'PodReadyToStartContainers'), ['False', undefined, undefined])
    assert.deepEqual(conditionOf('over', 'Initialized'), ['True', 'PodCompleted', undefined])
    assert.deepEqual(conditionOf('over', 'Ready'), ['False', 'PodCompleted', undefined])
    assert.deepEqual(conditionOf('over', 'ContainersReady'), ['False', 'PodCompleted', undefined])
    assert.match(kube.get('pod', 'over').status.podIP ?? '', /^10[.]/)
    kube.down('over')
  })

  test('who a container runs as, and what it was given', () => {
    const securityContext = { runAsUser: 1000, runAsGroup: 3000 }
    kube.play(
      'given',
      pod('given', {
        container: { securityContext, resources: { requests: { cpu: '50m' } } },
        spec: {
          securityContext: { supplementalGroups: [60_000], fsGroup: 50_000 },
          resources: { limits: { cpu: '500m', memory: '64Mi' } },
        },
      }),
    )
    const { spec, status } = kube.get('pod', 'given')
    const main = containerOf(status, 'main')
    const linux = main.user?.linux
    const [uid, gid, groups] = kube.sh('given', 'id -u; id -g; id -G').split('\n')
    assert.deepEqual([uid, gid], ['1000', '3000'])
    assert.deepEqual([linux?.uid, linux?.gid], [1000, 3000])
    const told = (linux?.supplementalGroups ?? []).toSorted((a, b) => a - b)
    assert.deepEqual(
      told,
      (groups ?? '')
        .split(' ')
        .map(Number)
        .toSorted((a, b) => a - b),
    )
    assert.deepEqual(main.allocatedResources, { cpu: '50m' })
    assert.deepEqual(spec.resources?.requests, { cpu: '50m', memory: '64Mi' })
    kube.down('given')
  })
})
