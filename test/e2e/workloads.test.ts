/** Deployments, ReplicaSets, StatefulSets and DaemonSets on the machine. In real time. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { readyPods } from '../support/object-views.ts'
import { type WorkloadParts, workloadManifest } from '../support/workload-manifests.ts'

suite('workloads', { concurrency: 3, skip: cannotRunPods }, () => {
  const kube = useKube()

  const pods = (app: string) => kube.list('pods', `app=${app}`)
  const staying = async (app: string) => (await pods(app)).filter(pod => pod.metadata.deletionTimestamp === undefined)
  const names = async (app: string) => (await staying(app)).map(({ metadata }) => metadata.name).sort()
  const settled = async (app: string, count: number) => {
    await eventually(async () => {
      const all = await pods(app)
      const seen = all.map(({ metadata, status }) => `${metadata.name} ${status.phase}`)
      assert.deepEqual([all.length, readyPods(all).length], [count, count], seen.join('\n'))
    })
    return names(app)
  }
  const versions = async (app: string) => {
    const all = await names(app)
    return Promise.all(all.map(name => kube.ok(['exec', '-q', name, '--', 'sh', '-c', 'echo -n $VERSION'])))
  }
  const rolledOut = (object: string) => kube.ok(['rollout', 'status', object, '--timeout=30s'])

  test('a Deployment: status, owners, columns', async () => {
    await kube.play('plain', workloadManifest('Deployment', 'plain', { spec: { replicas: 2 } }))
    const deployment = await kube.get('deployment', 'plain')
    assert.equal(deployment.metadata.annotations?.['deployment.kubernetes.io/revision'], '1')
    const { conditions = [], ...counts } = deployment.status
    assert.deepEqual(counts, {
      availableReplicas: 2,
      observedGeneration: 1,
      readyReplicas: 2,
      replicas: 2,
      updatedReplicas: 2,
    })
    assert.deepEqual(conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort(), [
      'Available=True MinimumReplicasAvailable',
      'Progressing=True NewReplicaSetAvailable',
    ])
    const [set] = await kube.list('rs', 'app=plain')
    assert.equal(set?.metadata.ownerReferences?.[0]?.uid, deployment.metadata.uid)
    for (const pod of await pods('plain')) {
      const [owner] = pod.metadata.ownerReferences ?? []
      assert.deepEqual([owner?.kind, owner?.name, owner?.uid], ['ReplicaSet', set?.metadata.name, set?.metadata.uid])
      assert.match(pod.metadata.name, new RegExp(`^${set?.metadata.name}-[a-z0-9]{5}$`))
    }
    assert.match(
      await kube.ok(['get', 'deploy', 'plain']),
      /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nplain +2\/2 +2 +2 /,
    )
    assert.match(
      await kube.ok(['get', 'rs', '-l', 'app=plain']),
      /NAME +DESIRED +CURRENT +READY +AGE\nplain-\w+ +2 +2 +2 /,
    )
    await kube.ok(['wait', 'deployment/plain', '--for=condition=Available'])
    await kube.ok(['down', 'plain'])
  })

  test('a pod that is deleted gets a successor at once, a container that ends is started again', async () => {
    await kube.play('heal', workloadManifest('Deployment', 'heal', { spec: { replicas: 2 } }))
    const before = await names('heal')
    await kube.ok(['delete', 'pod', before[0]!])
    const now = await settled('heal', 2)
    assert.ok(now.includes(before[1]!))
    assert.ok(!now.includes(before[0]!))
    await kube.run(['exec', '-q', before[1]!, '--', 'kill', '1'])
    const restarts = ['wait', `pod/${before[1]}`, '--for=jsonpath={.status.containerStatuses[0].restartCount}=1']
    await kube.ok(restarts)
    assert.deepEqual(await settled('heal', 2), now)
    await kube.ok(['delete', 'deployment', 'heal'])
    assert.deepEqual(await pods('heal'), [])
    assert.equal(await kube.ok(['get', 'rs', '-l', 'app=heal']), '')
  })

  test('scale, history, undo, restart, pause and resume', async () => {
    const manifest = (version: string) => workloadManifest('Deployment', 'web', { version, spec: { replicas: 2 } })
    await kube.play('web', manifest('1'))
    assert.match(await kube.play('web', manifest('2')), /deployment\/web configured/)
    assert.match(await rolledOut('deploy/web'), /deployment "web" successfully rolled out\n$/)
    assert.deepEqual(await versions('web'), ['2', '2'])
    assert.match(
      await kube.ok(['rollout', 'history', 'deploy/web']),
      /^deployment.apps\/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/,
    )
    assert.match(await kube.ok(['rollout', 'history', 'deploy/web', '--revision=1']), /VERSION\n +value: "1"/)
    assert.equal(await kube.ok(['rollout', 'undo', 'deploy/web']), 'deployment.apps/web rolled back\n')
    await rolledOut('deploy/web')
    assert.deepEqual(await versions('web'), ['1', '1'])
    assert.equal(await kube.ok(['scale', 'deploy/web', '--replicas=3']), 'deployment.apps/web scaled\n')
    await settled('web', 3)
    const before = await names('web')
    await kube.ok(['rollout', 'restart', 'deploy/web'])
    await rolledOut('deploy/web')
    assert.deepEqual(
      (await names('web')).filter(name => before.includes(name)),
      [],
    )
    await kube.ok(['rollout', 'pause', 'deploy/web'])
    await kube.ok(['scale', 'deploy/web', '--replicas=1'])
    await settled('web', 1)
    assert.equal((await kube.run(['rollout', 'undo', 'deploy/web'])).status, 1)
    await kube.ok(['rollout', 'resume', 'deploy/web'])
    const { status, stderr } = await kube.run(['scale', 'deploy/web', '--replicas=5', '--current-replicas=3'])
    assert.deepEqual([status, stderr], [1, 'kube: Expected replicas to be 3, was 1\n'])
    // What the manifest says is so again.
    await kube.play('web', manifest('1'))
    await settled('web', 2)
    await kube.ok(['down', 'web'])
  })

  test('a template that cannot run leaves enough of the old pods, and play goes back', async () => {
    const spec = { replicas: 4, progressDeadlineSeconds: 5, minReadySeconds: 1 }
    const manifest = (parts: WorkloadParts = {}) => workloadManifest('Deployment', 'broken', { ...parts, spec })
    // On a busy machine even this runs for a second: it never says that it is ready.
    const broken = { script: 'exit 1', container: { readinessProbe: { exec: { command: ['false'] } } } }
    await kube.play('broken', manifest())
    await rolledOut('deploy/broken')
    await kube.play('broken', manifest(broken))
    const { status, stderr } = await kube.run(['rollout', 'status', 'deploy/broken', '--timeout=30s'])
    assert.deepEqual([status, stderr], [1, 'kube: deployment "broken" exceeded its progress deadline\n'])
    assert.equal((await kube.get('deployment', 'broken')).status.readyReplicas, 3)
    await kube.play('broken', manifest())
    await rolledOut('deploy/broken')
    await settled('broken', 4)
    await kube.ok(['down', 'broken'])
  })

  test('a hostPort is handed on: the old pod goes first', async () => {
    const hostPort = await freePort()
    const manifest = (version: string) =>
      workloadManifest('Deployment', 'port', {
        version,
        container: { ports: [{ containerPort: 8080, hostPort }] },
      })
    await kube.play('port', manifest('1'))
    await kube.play('port', manifest('2'))
    await rolledOut('deploy/port')
    assert.deepEqual(await versions('port'), ['2'])
    await kube.ok(['down', 'port'])
  })

  test('Recreate', async () => {
    const manifest = (version: string) =>
      workloadManifest('Deployment', 'anew', { version, spec: { replicas: 2, strategy: { type: 'Recreate' } } })
    await kube.play('anew', manifest('1'))
    await kube.play('anew', manifest('2'))
    await rolledOut('deploy/anew')
    assert.deepEqual(await versions('anew'), ['2', '2'])
    await kube.ok(['down', 'anew'])
  })

  test('a ReplicaSet keeps its number; its pods keep their template', async () => {
    const manifest = (version: string) => workloadManifest('ReplicaSet', 'set', { version, spec: { replicas: 2 } })
    await kube.play('set', manifest('1'))
    await kube.play('set', manifest('2'))
    assert.deepEqual(await versions('set'), ['1', '1'])
    await kube.ok(['delete', 'pod', (await names('set'))[0]!])
    await settled('set', 2)
    assert.deepEqual((await versions('set')).toSorted(), ['1', '2'])
    await kube.ok(['down', 'set'])
  })

  test('a ReplicationController, as Deployments were once', async () => {
    const { spec } = JSON.parse(workloadManifest('ReplicaSet', 'old')) as { spec: { template: object } }
    const manifest = { apiVersion: 'v1', kind: 'ReplicationController', metadata: { name: 'old' } }
    await kube.play('old', JSON.stringify({ ...manifest, spec: { replicas: 2, template: spec.template } }))
    await kube.ok(['delete', 'pod', (await names('old'))[0]!])
    await settled('old', 2)
    await kube.ok(['scale', 'rc/old', '--replicas=1'])
    await settled('old', 1)
    assert.match(await kube.ok(['get', 'rc']), /NAME +DESIRED +CURRENT +READY +AGE\nold +1 +1 +1 /)
    await kube.ok(['down', 'old'])
  })

  test('a StatefulSet: names, order, claims that stay, update from the highest down', async () => {
    const manifest = (version: string, replicas = 3, updateStrategy: object = {}) =>
      workloadManifest('StatefulSet', 'db', {
        version,
        script: 'date >>/data/starts; touch /tmp/ready; trap "exit 0" TERM; sleep 1000 & wait',
        container: {
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
          readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1 },
        },
        spec: {
          replicas,
          updateStrategy,
          volumeClaimTemplates: [
            {
              metadata: { name: 'data' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
            },
          ],
        },
      })
    await kube.play('db', manifest('1'))
    await settled('db', 3)
    assert.deepEqual(await names('db'), ['db-0', 'db-1', 'db-2'])
    // In the order in which they were made.
    const made = async () => (await kube.ok(['ps'])).match(/\bdb-\d\b/g)
    assert.deepEqual(await made(), ['db-0', 'db-1', 'db-2'])
    await kube.play('db', manifest('2'))
    assert.match(await rolledOut('sts/db'), /statefulset rolling update complete 3 pods at revision db-\w+\.\.\.\n$/)
    assert.deepEqual(await versions('db'), ['2', '2', '2'])
    assert.deepEqual(await made(), ['db-2', 'db-1', 'db-0'])
    const removals = (await kube.ok(['events', '--for', 'statefulset/db'])).match(/delete Pod db-\d/g)
    assert.deepEqual(removals, ['delete Pod db-2', 'delete Pod db-1', 'delete Pod db-0'])
    assert.equal((await kube.ok(['exec', '-q', 'db-1', '--', 'wc', '-l', '/data/starts'])).trim(), '2 /data/starts')
    await kube.play('db', manifest('3', 3, { rollingUpdate: { partition: 2 } }))
    await eventually(async () => assert.equal((await kube.get('sts', 'db')).status.updatedReplicas, 1))
    await settled('db', 3)
    assert.deepEqual(await versions('db'), ['2', '2', '3'])
    await kube.ok(['delete', 'pod', 'db-0'])
    await settled('db', 3)
    assert.deepEqual(await versions('db'), ['2', '2', '3'])
    await kube.ok(['scale', 'sts/db', '--replicas=1'])
    await settled('db', 1)
    assert.match(await kube.ok(['get', 'sts', 'db']), /NAME +READY +AGE\ndb +1\/1 /)
    // The claims of those that are gone stay, as in a cluster.
    assert.match(await kube.ok(['get', 'pvc']), /^data-db-0 +Bound .*\ndata-db-1 +Bound .*\ndata-db-2 +Bound +1Mi /m)
    await kube.ok(['down', 'db'])
  })

  test('a DaemonSet has one pod, and replaces it', async () => {
    const manifest = (version: string) => workloadManifest('DaemonSet', 'agent', { version })
    await kube.play('agent', manifest('1'))
    await kube.play('agent', manifest('2'))
    assert.match(await rolledOut('ds/agent'), /daemon set "agent" successfully rolled out\n$/)
    assert.deepEqual(await versions('agent'), ['2'])
    assert.match(await kube.ok(['get', 'ds', 'agent']), /agent +1 +1 +1 +1 +1 +<none> /)
    assert.match(await kube.ok(['rollout', 'history', 'daemonset']), /^daemonset\.apps\/agent \nREVISION/m)
    await kube.ok(['rollout', 'undo', 'ds/agent'])
    await rolledOut('ds/agent')
    assert.deepEqual(await versions('agent'), ['1'])
    await kube.ok(['down', 'agent'])
  })

  test('down in the middle of an update leaves nothing', async () => {
    const manifest = (version: string, container: object = {}) =>
      workloadManifest('Deployment', 'half', { version, container, spec: { replicas: 6 } })
    await kube.play('half', manifest('1'))
    // It stays there: what comes is never ready.
    await kube.play('half', manifest('2', { readinessProbe: { exec: { command: ['false'] } } }))
    await eventually(async () => assert.notEqual((await pods('half')).length, 6))
    await kube.ok(['down', 'half'])
    assert.deepEqual(await pods('half'), [])
    assert.equal(await kube.ok(['get', 'rs', '-l', 'app=half']), '')
  })

  test('many pods are made in batches, and a removal waits for no more than the present one', async () => {
    await kube.play('lots', workloadManifest('Deployment', 'lots', { spec: { replicas: 0 } }))
    await kube.ok(['scale', 'deployment/lots', '--replicas=200'])
    await eventually(async () => {
      const { length } = await pods('lots')
      assert.ok(length > 8, `${length} pods`)
    })
    assert.match(await kube.ok(['down', 'lots']), /deployment\/lots removed/)
    // Nothing was begun any more that the removal did not know of.
    assert.deepEqual(await pods('lots'), [])
    const created = (await kube.ok(['events'])).match(/Created pod: lots-/g) ?? []
    assert.ok(created.length > 8 && created.length < 200, `${created.length} were made`)
  })

  test('what cannot be scaled or rolled out is refused', async () => {
    const { status, stderr } = await kube.run(['scale', 'deploy/none', '--replicas=1'])
    assert.deepEqual([status, stderr], [1, 'kube: Error from server (NotFound): deployments.apps "none" not found\n'])
    assert.equal((await kube.run(['scale', 'deploy/none'])).status, 2)
    assert.equal((await kube.run(['rollout', 'undo', 'pod/none'])).status, 1)
    const nothing = await kube.run(['rollout', 'status', 'deploy', '-n', 'nowhere'])
    assert.deepEqual([nothing.status, nothing.stderr], [1, 'kube: no objects passed to rollout status\n'])
  })
})
