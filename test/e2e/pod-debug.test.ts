/** `kube debug`: containers added to a running pod. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'
import { container, pod } from '../support/objects.ts'

describe('debug', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()
  const manifest = pod('web', {
    spec: { containers: [container('main', { command: ['sleep', '1234'] }), container('other')] },
  })
  before(() => {
    kube.play('app', manifest)
  })

  const debug = (...args: readonly string[]) => kube.run('debug', 'web', '--image', IMAGE, ...args)

  test('its output and its status, attached before it runs', () => {
    const done = debug('-q', '--attach', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3')
    assert.deepEqual([done.stdout, done.status], ['out\n', 3])
    assert.match(done.stderr, /err/)
  })

  test("with a target it sees that container's processes, else its own; the network is the pod's", () => {
    const own = debug('-q', '--attach', '--', 'sh', '-c', 'ps -o args; hostname').stdout
    assert.doesNotMatch(own, /sleep 1234/)
    assert.match(own, /^web$/m)
    const seen = debug('-q', '--attach', '--target', 'main', '--', 'sh', '-c', 'ps -o args; ls /proc/1/root/www').stdout
    assert.match(seen, /sleep 1234/)
    assert.match(seen, /index\.html/)
    assert.match(debug('--target', 'nobody').stderr, /container nobody not found in pod web/)
  })

  test('reads standard input', () => {
    const { stdout } = kube.runWith('hello\n', 'debug', 'web', '--image', IMAGE, '-q', '-i', '--', 'tr', 'a-z', 'A-Z')
    assert.equal(stdout, 'HELLO\n')
  })

  test('is told of, keeps the pod as it is, and goes with it', () => {
    const { uid } = kube.get('pod', 'web').metadata
    assert.match(debug('-c', 'tools', '--', 'sleep', '1000').stderr, /^$/)
    const { spec, status } = kube.get('pod', 'web')
    assert.equal(spec.ephemeralContainers?.at(-1)?.name, 'tools')
    assert.ok(status.ephemeralContainerStatuses?.find(({ name }) => name === 'tools')?.state.running)
    assert.equal(status.containerStatuses.length, 2)
    assert.equal(status.phase, 'Running')
    assert.equal(kube.sh('web', 'echo in', 'tools'), 'in')
    assert.match(debug('-c', 'tools', '--', 'true').stderr, /has a container tools already/)
    assert.match(kube.play('app', manifest), /pod\/web unchanged/)
    assert.equal(kube.get('pod', 'web').metadata.uid, uid)
    assert.equal(kube.sh('web', 'echo still', 'tools'), 'still')
    assert.doesNotMatch(kube.ok('generate', 'web'), /ephemeral|tools/)
  })

  test('what fails leaves nothing in the pod', () => {
    const before = kube.get('pod', 'web').spec.ephemeralContainers?.length
    assert.match(debug('-c', 'broken', '--', '/no/such/command').stderr, /is not in the image/)
    assert.match(
      kube.run('debug', 'web', '--image', 'localhost/absent:1', '--image-pull-policy', 'Never').stderr,
      /is not present/,
    )
    assert.equal(kube.get('pod', 'web').spec.ephemeralContainers?.length, before)
    assert.equal(kube.get('pod', 'web').status.phase, 'Running')
    assert.equal(kube.run('debug', 'web').status, 2)
  })
})
