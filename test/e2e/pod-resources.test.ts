/** Requests and limits, as the kernel has them. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { container, pod } from '../support/objects.ts'
import { runtimePid } from '../support/runtime-pid.ts'

const unified = existsSync('/sys/fs/cgroup/cgroup.controllers')

describe('resources', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  /** A file of the cgroup of a container's first process, or of its parent, the pod's. */
  function cgroupFile(
    name: string,
    index: number,
    controller: string,
    file: string,
    level: 'container' | 'pod',
  ): string {
    const { containerID = '' } = kube.get('pod', name).status.containerStatuses[index]!
    const pid = runtimePid(kube.runroot, containerID)
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .trim()
      .split('\n')
      .map(line => line.split(':'))
    const path = lines.find(([, names]) => (unified ? names === '' : names?.split(',').includes(controller)))?.[2] ?? ''
    const at = level === 'pod' ? path.slice(0, path.lastIndexOf('/')) : path
    return readFileSync(`/sys/fs/cgroup${unified ? '' : `/${controller}`}${at}/${file}`, 'utf8').trim()
  }
  const memory = (name: string, level: 'container' | 'pod', index = 0) =>
    cgroupFile(name, index, 'memory', unified ? 'memory.max' : 'memory.limit_in_bytes', level)
  /** Thousandths of a processor. */
  function quota(name: string, level: 'container' | 'pod'): number {
    const [value, period] = unified
      ? cgroupFile(name, 0, 'cpu', 'cpu.max', level).split(' ')
      : [cgroupFile(name, 0, 'cpu', 'cpu.cfs_quota_us', level), cgroupFile(name, 0, 'cpu', 'cpu.cfs_period_us', level)]
    return (Number(value) / Number(period)) * 1000
  }
  const weight = (name: string) => cgroupFile(name, 0, 'cpu', unified ? 'cpu.weight' : 'cpu.shares', 'container')

  test('limits of a container, and of the pod as their sum', () => {
    const resources = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '250m', memory: '32Mi' } }
    kube.play(
      'limits',
      pod('limits', { spec: { containers: [container('a', { resources }), container('b', { resources })] } }),
    )
    assert.equal(memory('limits', 'container'), String(64 * 2 ** 20))
    assert.equal(memory('limits', 'pod'), String(128 * 2 ** 20))
    assert.equal(quota('limits', 'container'), 500)
    assert.equal(quota('limits', 'pod'), 1000)
    assert.equal(weight('limits'), unified ? '10' : '256')
    assert.equal(kube.get('pod', 'limits').status.qosClass, 'Burstable')
    kube.down('limits')
  })

  test('resources of the pod itself', () => {
    const resources = { limits: { cpu: '1', memory: '96Mi' }, requests: { cpu: '1', memory: '96Mi' } }
    kube.play('own', pod('own', { spec: { resources } }))
    assert.equal(memory('own', 'pod'), String(96 * 2 ** 20))
    assert.equal(quota('own', 'pod'), 1000)
    assert.equal(memory('own', 'container'), String(96 * 2 ** 20), "a container without a limit has its pod's")
    assert.equal(quota('own', 'container'), 1000)
    assert.equal(kube.get('pod', 'own').status.qosClass, 'Guaranteed')
    kube.down('own')
  })

  test('a container that wants more memory than its limit is killed, and is said to have been', () => {
    const resources = { limits: { memory: '16Mi' } }
    const command = ['sh', '-c', 'x=a; while :; do x=$x$x; done']
    kube.play('hungry', pod('hungry', { container: { resources, command }, spec: { restartPolicy: 'Never' } }))
    kube.waitForPhase('hungry', 'Failed')
    const { terminated } = containerOf(kube.get('pod', 'hungry').status, 'main').state
    assert.deepEqual([terminated?.reason, terminated?.exitCode], ['OOMKilled', 137])
    assert.match(kube.ok('get', 'pod', 'hungry'), /OOMKilled/)
    kube.down('hungry')
  })

  test("processes: podman's annotation limits them", () => {
    kube.play('pids', pod('pids', { annotations: { 'io.podman.annotations.pids-limit': '20' } }))
    assert.equal(cgroupFile('pids', 0, 'pids', 'pids.max', 'container'), '20')
    assert.match(
      kube.run('exec', '-q', 'pids', '--', 'sh', '-c', 'for i in $(seq 30); do sleep 0.1 & done').stderr,
      /fork/,
    )
    kube.down('pids')
  })

  test('huge pages', () => {
    const amounts = { 'hugepages-2Mi': '4Mi', memory: '32Mi', cpu: '100m' }
    kube.play('pages', pod('pages', { container: { resources: { limits: amounts, requests: amounts } } }))
    const file = unified ? 'hugetlb.2MB.max' : 'hugetlb.2MB.limit_in_bytes'
    assert.equal(cgroupFile('pages', 0, 'hugetlb', file, 'container'), String(4 * 2 ** 20))
    kube.down('pages')
  })

  test('who is killed first when memory runs out', () => {
    const guaranteed = { limits: { cpu: '100m', memory: '32Mi' } }
    const score = (name: string) => Number(kube.sh(name, 'cat /proc/1/oom_score_adj'))
    kube.play('best', pod('best'))
    kube.play('sure', pod('sure', { container: { resources: guaranteed } }))
    // A machine may forbid a lower score than one's own.
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'))
    assert.equal(score('best'), 1000)
    assert.ok([-997, own].includes(score('sure')), String(score('sure')))
    kube.down('best')
    kube.down('sure')
  })

  test("a pod that writes more than it may is evicted, in the kubelet's words", () => {
    const volumeMounts = [{ name: 'v', mountPath: '/v' }]
    const fill = (path: string) => ['sh', '-c', `dd if=/dev/zero of=${path} bs=1M count=3; sleep 1000`]
    const resources = { limits: { 'ephemeral-storage': '2Mi' } }
    kube.play(
      'full',
      pod('volume', {
        container: { volumeMounts, command: fill('/v/x') },
        spec: { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }] },
      }),
      pod('layer', { container: { resources, command: fill('/x') } }),
      pod('fits', { container: { volumeMounts }, spec: { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }] } }),
    )
    const status = (name: string) => {
      kube.waitForPhase(name, 'Failed')
      const { reason, message } = kube.get('pod', name).status
      return `${reason}: ${message}`
    }
    assert.equal(status('volume'), 'Evicted: Usage of EmptyDir volume "v" exceeds the limit "1Mi". ')
    assert.equal(status('layer'), 'Evicted: Container main exceeded its local ephemeral storage limit "2Mi". ')
    assert.equal(kube.get('pod', 'fits').status.phase, 'Running')
    kube.down('full')
  })

  test('devices by name: of the machine, and as a CDI specification has them', () => {
    const specification = `/var/run/cdi/kube-test-${process.pid}.yaml`
    mkdirSync('/var/run/cdi', { recursive: true })
    writeFileSync(
      specification,
      `cdiVersion: 0.6.0
kind: kube.test/thing
devices:
  - name: one
    containerEdits:
      env: [THING=one]
      deviceNodes: [{ path: /dev/thing, hostPath: /dev/null }]
      mounts: [{ hostPath: ${kube.directory}, containerPath: /things, options: [rbind, ro] }]
containerEdits:
  env: [EVERY=thing]
`,
    )
    try {
      const limits = { 'kube.test/thing=one': '1', 'podman.io/device=/dev/loop-control': '1' }
      kube.play('devices', pod('devices', { container: { resources: { limits } } }))
      assert.equal(kube.sh('devices', 'test -c /dev/thing && echo x > /dev/thing && echo $THING $EVERY'), 'one thing')
      assert.equal(
        kube.sh(
          'devices',
          'test -c /dev/loop-control && echo yes; ls /things | grep -c manifest > /dev/null && echo seen',
        ),
        'yes\nseen',
      )
      kube.down('devices')
      const absent = pod('devices', { container: { resources: { limits: { 'kube.test/thing=two': '1' } } } })
      assert.match(kube.playFails('devices', absent), /device kube\.test\/thing=two: no CDI specification/)
    } finally {
      rmSync(specification)
    }
  })

  test('an extended resource is refused', () => {
    const resources = { limits: { 'example.com/gpu': '1' } }
    assert.match(
      kube.playFails('gpu', pod('gpu', { container: { resources } })),
      /nothing on this machine provides the resource/,
    )
  })
})
