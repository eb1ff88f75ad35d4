/** Ports of this machine that lead into a pod, whether or not it publishes them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { before, suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods } from '../support/need.ts'

const PAGES = 'mkdir /w; echo "$P" >/w/index.html; exec httpd -f -p $A:$P -h /w'
const ADDRESS = { name: 'A', value: '127.0.0.1' }

suite('port-forward', { concurrency: 4, skip: cannotRunPods }, () => {
  const kube = useKube()
  before(async () => {
    const server = (port: number, address = ADDRESS) => ({
      name: `on-${port}`,
      script: PAGES,
      env: [{ name: 'P', value: String(port) }, address],
      ports: [{ containerPort: port, name: `p${port}` }],
    })
    const spec = { terminationGracePeriodSeconds: 0 }
    const pod = JSON.parse(podManifest('web', [server(8001), server(8002, { name: 'A', value: '[::1]' })], spec))
    pod.metadata.labels = { app: 'web' }
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'front' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'p8001' }] },
    }
    await kube.play('web', `${JSON.stringify(pod)}\n---\n${JSON.stringify(service)}`)
    // Only from inside can it be seen that they listen: on the pod's loopback alone.
    const listens =
      'grep -q 00000000000000000000000001000000:1F42 /proc/net/tcp6 && grep -q 0100007F:1F41 /proc/net/tcp'
    await eventually(() => kube.ok(['exec', '-q', 'web', '--', 'sh', '-c', listens]))
  })

  /** Starts it, and waits for as many lines as it is to say before anybody connects. */
  async function forward(args: readonly string[], lines = 2) {
    const command = kube.start(['port-forward', ...args])
    await command.says(new RegExp(`^(.*\n){${lines}}`))
    return { command, port: Number(/:(\d+) ->/.exec(command.stdout)?.[1]) }
  }

  const page = async (port: number, host = '127.0.0.1') => (await fetch(`http://${host}:${port}/`)).text()

  test('a random port, on both loopback addresses, to what listens on the loopback of the pod', async () => {
    const { command, port } = await forward(['web', ':8001'])
    assert.equal(command.stdout, `Forwarding from 127.0.0.1:${port} -> 8001\nForwarding from [::1]:${port} -> 8001\n`)
    assert.deepEqual([await page(port), await page(port, '[::1]')], ['8001\n', '8001\n'])
    await command.says(new RegExp(`(Handling connection for ${port}\n){2}$`))
    assert.equal((await command.interrupt()).status, 0)
    assert.equal(command.stderr, '')
    await assert.rejects(page(port))
  })

  test('several ports, one of a server on IPv6, many connections at once', async () => {
    const { command } = await forward(['pod/web', ':8001', ':p8002', '--address', '127.0.0.1'])
    const [one = 0, two = 0] = [...command.stdout.matchAll(/127\.0\.0\.1:(\d+) ->/g)].map(match => Number(match[1]))
    const pages = await Promise.all(Array.from({ length: 40 }, (_, i) => page(i % 2 ? two : one)))
    assert.deepEqual(new Set(pages), new Set(['8001\n', '8002\n']))
    assert.equal((await command.interrupt()).status, 0)
  })

  test('a Service leads to its target port', async () => {
    const { command, port } = await forward(['service/front', ':80'])
    assert.equal(await page(port), '8001\n')
    assert.equal((await command.interrupt()).status, 0)
  })

  test('each side may say all it has to say before the other one has', async () => {
    const script = 'while :; do nc -l -p 9000 -e sh -c "cat | tr a-z A-Z"; done'
    await kube.play('echo', podManifest('echo', [{ script }], { terminationGracePeriodSeconds: 0 }))
    const listens = 'grep -q :2328 /proc/net/tcp /proc/net/tcp6'
    await eventually(() => kube.ok(['exec', '-q', 'echo', '--', 'sh', '-c', listens]))
    const { command, port } = await forward(['echo', ':9000'])
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.end('x'.repeat(300_000))
    assert.equal(await text(client), 'X'.repeat(300_000))
    assert.equal((await command.interrupt()).status, 0)
    await kube.ok(['down', 'echo'])
  })

  test('where nothing listens, that is said, and it goes on', async () => {
    const { command, port } = await forward(['web', ':7'])
    await assert.rejects(page(port))
    await command.says(/nothing listens/)
    assert.match(command.stderr, /forwarding \d+ -> 7: nothing listens on port 7 of pod web: connection refused/)
    assert.equal((await command.interrupt()).status, 0)
  })

  test('a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { status, stderr } = await kube.run(['port-forward', 'web', `${port}:8001`])
    server.close()
    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`unable to listen on port ${port} of 127.0.0.1: another program has it`))
  })

  test('ends with the pod', async () => {
    await kube.play('brief', podManifest('brief', [{}], { terminationGracePeriodSeconds: 0 }))
    const { command } = await forward(['brief', ':80'])
    await kube.ok(['down', 'brief'])
    assert.equal((await command.ended).status, 1)
    assert.match(command.stderr, /lost connection to pod brief/)
  })

  test('wrong words', async () => {
    const failing = async (...args: readonly string[]) => (await kube.run(['port-forward', ...args])).status
    assert.equal(await failing('web'), 2)
    assert.equal(await failing('web', 'x'), 2)
    assert.equal(await failing('web', '80', '--address', 'nowhere'), 2)
    assert.equal(await failing('nobody', '80'), 1)
    assert.equal(await failing('service/nobody', '80'), 1)
  })
})
