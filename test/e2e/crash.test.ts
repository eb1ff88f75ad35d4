import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../support/free-ports.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'

const PORTS = await freePorts(4)

/** Three pods of two containers: enough that a random moment falls into every kind of step. */
const MANIFEST = ['one', 'two', 'three']
  .map(
    (name, i) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{ name: data, emptyDir: {} }, { name: memory, emptyDir: { medium: Memory } }]
  containers:
  - name: a
    image: ${IMAGE}
    command: [sleep, '1000']
    ports: [{ containerPort: 80, hostPort: ${PORTS[i]} }]
    volumeMounts: [{ name: data, mountPath: /data }, { name: memory, mountPath: /memory }]
  - { name: b, image: ${IMAGE}, command: [sleep, '1000'] }
`,
  )
  .join('---')

/** A fixed sequence of numbers from 0 to 1, so that a failure can be seen again. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

describe('kube killed with SIGKILL at any moment', { skip: cannotRunPods }, () => {
  const kube = useKube()
  let file: string
  let playMs: number
  let downMs: number
  before(async () => {
    file = kube.file('three.yaml', MANIFEST)
    // Once without counting: the first one makes what the later ones find.
    await kube.ok(['play', file])
    await kube.ok(['down', file])
    playMs = await took(() => kube.ok(['play', file]))
    downMs = await took(() => kube.ok(['down', file]))
  })

  async function took(work: () => Promise<unknown>): Promise<number> {
    const begun = performance.now()
    await work()
    return performance.now() - begun
  }

  /** Starts a command and kills it after a time. */
  async function killAfter(ms: number, args: readonly string[]): Promise<void> {
    const command = kube.start(args, { input: '' })
    await Promise.race([command.ended, delay(ms)])
    command.signal('SIGKILL')
    await command.ended
  }

  async function ready(): Promise<readonly string[]> {
    return (await kube.list('pods'))
      .filter(({ status }) => status.phase === 'Running' && status.containerStatuses.every(c => c.ready))
      .map(({ metadata }) => metadata.name)
      .sort()
  }

  const random = sequence(20_240_601)
  for (let round = 0; round < 12; round++) {
    test(`in a play, then down (${round})`, async () => {
      await killAfter(playMs * random(), ['play', file])
      await kube.ok(['down', file])
      await kube.nothingLeft()
    })
    test(`in a play, then the same play (${round})`, async () => {
      await killAfter(playMs * random(), ['play', file])
      await kube.ok(['play', file])
      assert.deepEqual(await ready(), ['one', 'three', 'two'])
      await kube.ok(['down', file])
      await kube.nothingLeft()
    })
    test(`in a down, then down (${round})`, async () => {
      await kube.ok(['play', file])
      await killAfter(downMs * random(), ['down', file])
      await kube.ok(['down', file])
      await kube.nothingLeft()
    })
  }

  test('in a play, then another play', async () => {
    const other = kube.file(
      'other.yaml',
      MANIFEST.slice(0, MANIFEST.indexOf('---'))
        .replace('name: one', 'name: other')
        .replace(`hostPort: ${PORTS[0]}`, `hostPort: ${PORTS[3]}`),
    )
    await killAfter(playMs * 0.7, ['play', file])
    await kube.ok(['play', other])
    assert.ok((await ready()).includes('other'))
    await kube.ok(['down', other])
    await kube.ok(['down', file])
    await kube.nothingLeft()
  })

  test('a container that comes into being after its pod was taken away goes with the last pod', async () => {
    await kube.ok(['play', file])
    // As a killed command's monitor, which goes on, would make it.
    const bundle = join(kube.directory, 'late')
    mkdirSync(join(bundle, 'rootfs'), { recursive: true })
    execFileSync('crun', ['spec'], { cwd: bundle })
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))
    copyFileSync('/bin/busybox', join(bundle, 'rootfs/sleep'))
    Object.assign(config.process, { args: ['/sleep', '1000'], terminal: false })
    // Belongs to no cgroup of a pod.
    config.linux.cgroupsPath = `/kube-late-test-${process.pid}`
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
    const runtimeRoot = join(kube.runroot, 'crun')
    const late = 'f'.repeat(64)
    execFileSync('crun', ['--root', runtimeRoot, 'run', '--detach', '--bundle', bundle, late], { stdio: 'ignore' })
    await kube.ok(['down', file])
    assert.equal(execFileSync('crun', ['--root', runtimeRoot, 'list', '--quiet'], { encoding: 'utf8' }), '')
    await kube.nothingLeft()
  })
})
