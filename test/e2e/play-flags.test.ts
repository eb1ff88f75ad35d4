/** podman's flags of play, down and generate: what they do, and what is said of those that are refused. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { suite, test } from 'node:test'
import { useKube } from '../support/kube.ts'
import { podManifest, shellContainer } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'

suite('flags of podman', { concurrency: 4, skip: cannotRunPods }, () => {
  const kube = useKube()

  const playWith = (name: string, flags: readonly string[], input = podManifest(name, [{}])) =>
    kube.run(['play', '--app', name, ...flags, '-'], { input })
  const sh = (name: string, script: string) => kube.ok(['exec', '-q', name, '--', 'sh', '-c', script])

  test("--no-hosts and --no-hostname leave the image's own files", async () => {
    const web = podManifest('files', [{}])
    await playWith('files', [], web)
    assert.match(await sh('files', 'cat /etc/hosts /etc/hostname'), /Kubernetes-managed.*\nfiles\n$/s)
    const { status, stdout } = await playWith('files', ['--no-hosts', '--no-hostname'], web)
    assert.deepEqual([status, stdout], [0, 'pod/files configured\n'])
    assert.equal(await sh('files', 'cat /etc/hosts 2>/dev/null; grep files /etc/hostname; hostname'), 'files\n')
    await kube.ok(['down', 'files'])
    const aliases = { hostAliases: [{ ip: '10.0.0.1', hostnames: ['x'] }] }
    const clash = await playWith('files', ['--no-hosts'], podManifest('files', [{}], aliases))
    assert.equal(clash.status, 2)
    assert.match(clash.stderr, /spec\.hostAliases: Forbidden: .*--no-hosts/)
  })

  test('they hold for pods that are made later', async () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'later' },
      spec: {
        selector: { matchLabels: { app: 'later' } },
        template: {
          metadata: { labels: { app: 'later' } },
          spec: { terminationGracePeriodSeconds: 0, containers: [shellContainer()] },
        },
      },
    }
    await playWith('later', ['--no-hosts'], JSON.stringify(deployment))
    await kube.ok(['rollout', 'restart', 'deployment/later'])
    await kube.ok(['rollout', 'status', 'deployment/later', '--timeout=20s'])
    assert.equal(await sh('deployment/later', 'grep -c Kubernetes-managed /etc/hosts || true'), '')
    await kube.ok(['down', 'later'])
  })

  test('--log-driver and --log-opt', async () => {
    const script = 'i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; touch /tmp/done; sleep 1000'
    const noisy = (name: string) => podManifest(name, [{ script, readinessProbe: PROBE }])
    await playWith('quiet', ['--log-driver', 'none', '--wait=ready'], noisy('quiet'))
    const { status, stderr } = await kube.run(['logs', 'quiet'])
    assert.equal(status, 1)
    assert.match(stderr, /no log: it was played with --log-driver=none/)
    await kube.ok(['down', 'quiet'])
    // 200 lines are more than 8 KiB with their times: the first ones are gone.
    await playWith('short', ['--log-driver=k8s-file', '--log-opt', 'max-size=4k', '--wait=ready'], noisy('short'))
    const log = await kube.ok(['logs', 'short'])
    assert.match(log, /line 199\n$/)
    assert.doesNotMatch(log, /^line 0$/m)
    await kube.ok(['down', 'short'])
    if (existsSync('/run/systemd/journal/socket')) return
    const none = await playWith('journal', ['--log-driver', 'journald'])
    assert.equal(none.status, 1)
    assert.match(none.stderr, /this machine has no journal/)
  })

  test('--network=host', async () => {
    await playWith('net', ['--network', 'host'])
    assert.equal(await sh('net', 'readlink /proc/self/ns/net'), await hostNamespace())
    await kube.ok(['down', 'net'])
  })

  test('--volumes takes the volumes of the claims away, and no others', async () => {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: CLAIM }
    const spec = { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] }
    const web = podManifest('store', [{ volumeMounts: [{ name: 'd', mountPath: '/d' }] }], spec)
    const input = `${JSON.stringify(claim)}\n---\n${web}`
    await kube.ok(['volume', 'create', 'other'])
    await playWith('store', [], input)
    await kube.ok(['down', 'store'])
    assert.match(await kube.ok(['volume', 'ls', '-q']), /^data$/m)
    await playWith('store', [], input)
    assert.match(await kube.ok(['down', '--force', 'store']), /^volume\/data removed$/m)
    assert.equal(await kube.ok(['volume', 'ls', '-q']), 'other\n')
  })

  test('what is refused says what to do instead', async () => {
    const refused: Readonly<Record<string, RegExp>> = {
      '--build': /kube load/,
      '--context-dir=/x': /kube load/,
      '--cert-dir=/x': /certs\.d/,
      '--ip=10.88.0.5': /port-forward/,
      '--static-ip=10.88.0.5': /port-forward/,
      '--mac-address=02:00:00:00:00:01': /port-forward/,
      '--network=none': /one network/,
      '--userns=keep-id': /auto/,
      '--log-driver=passthrough': /--attach/,
      '--log-opt=path=/x': /kube logs/,
      '--log-opt=max-size=much': /10mb/,
      '--service-container': /--wait/,
      '--service-exit-code-propagation=all': /--wait/,
      '--signature-policy=/x': /digest/,
      '--validate=ignore': /--skip-unknown/,
      '--replicas=false': /replicas: 1/,
      '--start=perhaps': /true or false/,
    }
    for (const [flag, words] of Object.entries(refused)) {
      const { status, stderr } = await playWith('none', [flag])
      assert.equal(status, 2, flag)
      assert.match(stderr, words)
    }
  })

  test('what is so anyway is taken', async () => {
    const flags = ['--build=false', '--service-container=false', '--no-trunc', '--no-pod-prefix', '--quiet=true']
    const more = ['--validate=strict', '--replicas', '--tls-verify', '--start', '--replace=false', '--userns=host']
    const { status, stderr } = await playWith('plain', [...flags, ...more])
    assert.equal(status, 0, stderr)
    assert.match((await playWith('plain', ['--down'])).stdout, /pod\/plain removed/)
  })
})

const CLAIM = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } }
const PROBE = { exec: { command: ['test', '-e', '/tmp/done'] }, periodSeconds: 1 }

async function hostNamespace(): Promise<string> {
  const { readlink } = await import('node:fs/promises')
  return `${await readlink('/proc/self/ns/net')}\n`
}
