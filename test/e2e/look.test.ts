/** Looking at what runs: get, describe, ps, inspect, logs, exec. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf, type PodView } from '../support/object-views.ts'

const MANIFEST = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {MODE: quiet}
---
apiVersion: v1
kind: Secret
metadata: {name: creds}
stringData: {password: swordfish}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web, tier: front}
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
  - name: prepare
    image: ${IMAGE}
    command: [sh, -c, 'echo prepared; printf ready > /dev/termination-log']
  containers:
  - name: main
    image: ${IMAGE}
    command: [sh, -c, 'echo one; echo two; printf three; exec sleep 1000']
    ports: [{containerPort: 80, name: http}]
    envFrom: [{configMapRef: {name: settings}}]
    env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: creds, key: password}}}]
    volumeMounts: [{name: data, mountPath: /data}]
  - name: side
    image: ${IMAGE}
    command: [sh, -c, 'echo aside >&2; exec sleep 1000']
  volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata: {name: once}
spec:
  restartPolicy: Never
  containers:
  - name: fails
    image: ${IMAGE}
    terminationMessagePolicy: FallbackToLogsOnError
    resources: {limits: {cpu: 0.5, memory: 64e6}}
    command: [sh, -c, 'echo the end is near; exit 3']
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep}
spec:
  replicas: 2
  selector: {matchLabels: {app: dep}}
  template:
    metadata: {labels: {app: dep}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: ${IMAGE}, command: [sleep, '1000']}]
`

describe('looking', { skip: cannotRunPods }, () => {
  const kube = useKube()
  before(async () => {
    await kube.play('look', MANIFEST)
    await eventually(async () => assert.match(await kube.ok(['get', 'pod', 'once', '--no-headers']), /Error/))
  })

  test('a pod is a real Kubernetes object with status', async () => {
    const pod = await kube.get('pod', 'web')
    assert.equal(pod.kind, 'Pod')
    assert.equal(pod.status.phase, 'Running')
    assert.match(pod.status.podIP ?? '', /^10\./)
    assert.equal(pod.spec.dnsPolicy, 'ClusterFirst')
    assert.equal(pod.status.qosClass, 'BestEffort')
    const met = pod.status.conditions.filter(({ status }) => status === 'True').map(({ type }) => type)
    assert.deepEqual(met.sort(), [
      'ContainersReady',
      'Initialized',
      'PodReadyToStartContainers',
      'PodScheduled',
      'Ready',
    ])
    assert.deepEqual(
      pod.status.containerStatuses.map(({ name, ready, restartCount }) => ({ name, ready, restartCount })),
      [
        { name: 'main', ready: true, restartCount: 0 },
        { name: 'side', ready: true, restartCount: 0 },
      ],
    )
    for (const status of pod.status.containerStatuses) {
      assert.match(status.containerID ?? '', /^crun:\/\/[0-9a-f]{64}$/)
      assert.match(status.imageID, /sha256:[0-9a-f]{64}$/)
      assert.match(String(status.state.running?.startedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    }
    const { terminated } = containerOf(pod.status, 'prepare').state
    assert.equal(terminated?.exitCode, 0)
    assert.equal(terminated?.reason, 'Completed')
    assert.equal(terminated?.message, 'ready')
  })

  test('a pod that failed tells its exit status and the end of its log', async () => {
    const pod = await kube.json<PodView>(['get', 'pod/once'])
    assert.equal(pod.status.phase, 'Failed')
    const { terminated } = containerOf(pod.status, 'fails').state
    assert.equal(terminated?.exitCode, 3)
    assert.equal(terminated?.reason, 'Error')
    assert.equal(terminated?.message, 'the end is near\n')
  })

  test('tables, names, selectors, paths', async () => {
    const rows = await kube.ok(['get', 'pods', '--no-headers'])
    assert.match(rows, /^web\s+2\/2\s+Running\s+0\s+\d+s$/m)
    assert.match(rows, /^once\s+0\/1\s+Error\s+0\s+\d+s$/m)
    assert.match(await kube.ok(['get', 'deploy']), /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\ndep\s+2\/2\s+2\s+2\s/)
    assert.equal(await kube.ok(['get', 'po', '-l', 'app=web', '-o', 'name']), 'pod/web\n')
    assert.equal(await kube.ok(['get', 'po', '-l=app=web', '-o=jsonpath={.items[*].metadata.name}']), 'web')
    assert.equal(await kube.ok(['get', 'po', '--field-selector', 'status.phase=Failed', '-o', 'name']), 'pod/once\n')
    const typo = await kube.run(['get', 'po', '--field-selector', 'status.phas=Failed'])
    assert.equal(typo.status, 1)
    assert.match(typo.stderr, /field label not supported: status\.phas/)
    const names = ['get', 'pods', '-l', 'app=dep', '-o', 'jsonpath={.items[*].metadata.ownerReferences[0].kind}']
    assert.equal(await kube.ok(names), 'ReplicaSet ReplicaSet')
    const columns = 'custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image'
    assert.match(await kube.ok(['get', 'pod', 'web', '-o', columns]), /^NAME\s+IMAGE\nweb\s+\S+,\S+\n$/)
    assert.match(await kube.ok(['get', 'all', '-A']), /replicaset\.apps\/dep-\w+\s+2\s+2\s+2/)
    assert.match(await kube.ok(['get', 'cm,secret']), /secret\/creds\s+Opaque\s+1/)
    const list = await kube.json<{ kind: string; items: unknown[] }>(['get', 'pods'])
    assert.equal(list.kind, 'List')
    assert.equal(list.items.length, 4)
  })

  test('what is not there is told as an API server tells it', async () => {
    const missing = await kube.run(['get', 'pod', 'nope'])
    assert.equal(missing.status, 1)
    assert.match(missing.stderr, /Error from server \(NotFound\): pods "nope" not found/)
    assert.equal((await kube.run(['get', 'pod', 'nope', '--ignore-not-found'])).status, 0)
    const empty = await kube.run(['get', 'pods', '-n', 'elsewhere'])
    assert.deepEqual(empty, { status: 0, stdout: '', stderr: 'No resources found in elsewhere namespace.\n' })
    assert.equal((await kube.run(['get', 'gizmos'])).status, 1)
    assert.equal((await kube.run(['get', 'pods', '-o', 'xml'])).status, 2)
  })

  test('describe and inspect tell everything but the values of Secrets', async () => {
    const pod = await kube.ok(['describe', 'pod', 'web'])
    assert.match(pod, /^Status: +Running$/m)
    assert.match(pod, /PASSWORD: +<set to the key 'password' in secret 'creds'>/)
    assert.match(pod, /\/data from data \(rw\)/)
    assert.match(await kube.ok(['describe', 'pod', 'once']), /^ {4}Limits:\n {6}cpu: +500m\n {6}memory: +64M$/m)
    const inspected = await kube.ok(['inspect', 'web'])
    assert.match(inspected, /"role": "init"/)
    const secret = await kube.ok(['describe', 'secret', 'creds'])
    assert.match(secret, /password: +9 bytes/)
    for (const text of [pod, inspected, secret]) assert.doesNotMatch(text, /swordfish|c3dvcmRmaXNo/)
    assert.match(await kube.ok(['inspect', IMAGE]), /"kind": "image"/)
    assert.equal((await kube.run(['inspect', 'nope'])).status, 1)
  })

  test('ps lists what runs, and with -a the rest', async () => {
    const rows = await kube.json<{ container: string; state: string; pid?: number }[]>(['ps'])
    assert.deepEqual(rows.map(row => row.container).sort(), ['c', 'c', 'main', 'side'])
    for (const { pid } of rows) assert.ok(pid !== undefined && pid > 1)
    const all = await kube.json<{ container: string; state: string }[]>(['ps', '-a', '-l', 'app=web'])
    assert.deepEqual(
      all.map(({ container, state }) => `${container} ${state}`),
      ['prepare exited', 'main running', 'side running'],
    )
  })

  test('get prints by Go templates', async () => {
    const template = '{{.metadata.name}} {{range .spec.containers}}{{.name}},{{end}}'
    assert.equal(await kube.ok(['get', 'pod', 'web', '-o', `go-template=${template}`]), 'web main,side,')
    assert.equal(await kube.ok(['get', 'pod', 'web', '--template', template]), 'web main,side,')
    const wrong = await kube.run(['get', 'pod', 'web', '-o', 'go-template={{define "x"}}{{end}}'])
    assert.equal(wrong.status, 2)
    assert.match(wrong.stderr, /\{\{define\}\} is not supported\n {2}hint: -o jsonpath/)
  })

  test('logs', async () => {
    assert.equal(await kube.ok(['logs', 'web', '-c', 'main']), 'one\ntwo\nthree')
    assert.equal(await kube.ok(['logs', 'web', '-c', 'main', '--tail', '1']), 'three')
    assert.equal(await kube.ok(['logs', 'web', '-c', 'side']), 'aside\n')
    assert.equal(await kube.ok(['logs', 'web', 'prepare', '-f']), 'prepared\n')
    assert.match(await kube.ok(['logs', 'web', '-c', 'prepare', '-t']), /^\d{4}-\d\d-\d\dT[\d:.]+Z prepared\n$/)
    assert.equal(await kube.ok(['logs', 'web', '-c', 'main', '--since', '1ms']), '')
    assert.equal(await kube.ok(['logs', '-l', 'app=web', '-c', 'main', '--limit-bytes', '5']), 'one\nt')
    assert.match(
      await kube.ok(['logs', 'web', '--all-containers', '--prefix']),
      /^\[pod\/web\/prepare\] prepared\n\[pod\/web\/main\] one\n/,
    )
    const first = await kube.run(['logs', 'web'])
    assert.equal(first.stderr, 'Defaulted container "main" out of: main, side, prepare (init)\n')
    const unknown = await kube.run(['logs', 'web', '-c', 'nope'])
    assert.equal(unknown.status, 1)
    assert.match(unknown.stderr, /container nope not found in pod web; have: main, side, prepare \(init\)/)
    assert.equal((await kube.run(['logs', 'web', '-c', 'main', '--previous'])).status, 1)
  })

  test('exec hands on arguments, standard input, output and the exit status', async () => {
    const run = (...command: readonly string[]) => kube.run(['exec', 'web', '-c', 'main', '--', ...command])
    assert.deepEqual(await run('sh', '-c', 'echo out; echo err >&2; exit 42'), {
      status: 42,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    assert.equal((await run('sh', '-c', 'echo $PASSWORD $MODE')).stdout, 'swordfish quiet\n')
    assert.equal((await run('sh', '-c', 'kill -9 $$')).status, 137)
    assert.equal((await run('nope')).status, 127)
    // One message, of whoever has the standard error.
    assert.match((await run('nope')).stderr.replace(/^Defaulted .*\n/, ''), /^[^\n]*nope[^\n]*not found[^\n]*\n$/)
    assert.equal((await run('/etc/passwd')).status, 126)
    assert.equal((await run('--', 'x')).status, 127)
    const copied = await kube.run(['exec', '-i', 'web', '-c', 'main', '--', 'cat'], { input: 'a\nb' })
    assert.equal(copied.stdout, 'a\nb')
    const without = await kube.run(['exec', 'web', '-c', 'main', '--', 'cat'], { input: 'ignored' })
    assert.equal(without.stdout, '')
    const inDirectory = await kube.run([
      'exec',
      'web',
      '-c',
      'main',
      '-w',
      '/data',
      '-e',
      'X=a b',
      '--',
      'sh',
      '-c',
      'pwd; echo $X',
    ])
    assert.equal(inDirectory.stdout, '/data\na b\n')
    assert.match((await kube.ok(['exec', 'deploy/dep', '--', 'hostname'])).trim(), /^dep-/)
  })

  test('exec into what does not run says why', async () => {
    const ended = await kube.run(['exec', 'once', '--', 'true'])
    assert.equal(ended.status, 1)
    assert.match(ended.stderr, /container fails of pod once is not running: it ended with status 3/)
    const unknown = await kube.run(['exec', 'web', '-c', 'nope', '--', 'true'])
    assert.match(unknown.stderr, /container nope not found in pod web; have: main, side/)
    assert.equal((await kube.run(['exec', 'web'])).status, 2)
    assert.equal((await kube.run(['exec', 'nope', '--', 'true'])).status, 1)
  })

  test('generate plays again as unchanged, and never overwrites a file', async () => {
    const text = await kube.ok(['generate', 'app/look'])
    assert.doesNotMatch(await kube.ok(['play', '--app', 'look', '-'], { input: text }), /created|pruned/)
    const file = `${kube.directory}/web.yaml`
    await kube.ok(['generate', 'web', '-s', '-f', file])
    assert.equal((await kube.run(['generate', 'web', '-f', file])).status, 1)
    assert.match(await kube.ok(['validate', file, '-o', 'json']), /"ok": true/)
    const single = await kube.run(['generate', 'nope'])
    assert.equal(single.status, 1)
    assert.match(single.stderr, /there is no pod, workload or app nope/)
  })
})
