/** Probes of each kind, on the machine. In real time: their periods are whole seconds. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createGrpcServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { useKube } from '../support/kube.ts'
import { type ContainerParts, podManifest } from '../support/manifests.ts'
import { cannotRunPods, lacking } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { selfSigned } from '../support/self-signed.ts'
import { serving } from '../support/serving.ts'

/** Initial, maximum, reset, in milliseconds. */
const BACKOFF = '300,1200,60000'

const WEB = 'httpd -f -p 8080 -h /www & trap "exit 0" TERM; wait'
const PORTS = [{ name: 'http', containerPort: 8080 }]
const OFTEN = { periodSeconds: 1, failureThreshold: 1 }

suite('probes', { concurrency: 4, skip: cannotRunPods || lacking('openssl') }, () => {
  const kube = useKube({ env: { KUBE_BACKOFF_MS: BACKOFF } })

  const play = (name: string, main: ContainerParts, spec: object = {}) =>
    kube.play(name, podManifest(name, [main], spec))
  const isReady = (name: string) => kube.ok(['wait', `pod/${name}`, '--for=condition=Ready', '--timeout=20s'])
  const unready = (name: string) => kube.ok(['wait', `pod/${name}`, '--for=condition=Ready=false', '--timeout=20s'])
  const main = async (name: string) => containerOf((await kube.get('pod', name)).status, 'main')
  const told = (name: string, start: string) => kube.told(`pod/${name}`, start)

  test('startup before the others; a port by its name; readiness', async () => {
    const script = `until [ -e /tmp/go ]; do sleep 0.1; done; ${WEB}`
    const startupProbe = { httpGet: { port: 'http', path: '/' }, periodSeconds: 1, failureThreshold: 30 }
    const livenessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 1 }
    await play('web', {
      script,
      ports: PORTS,
      startupProbe,
      livenessProbe,
      readinessProbe: { httpGet: { port: 8080 } },
    })
    const early = await main('web')
    assert.deepEqual([early.started, early.ready], [false, false])
    assert.match(await kube.ok(['get', 'pod', 'web']), /0\/1 +Running/)
    await told('web', 'Unhealthy Startup probe failed')
    await kube.ok(['exec', 'web', '--', 'touch', '/tmp/go'])
    await isReady('web')
    const late = await main('web')
    // A liveness probe that had begun before would have ended it.
    assert.deepEqual([late.started, late.ready, late.restartCount], [true, true, 0])
    assert.match(
      await told('web', 'Unhealthy'),
      /^Unhealthy Startup probe failed: Get "http:\/\/10\.\d+\.\d+\.\d+:8080\/": dial tcp 10\.[\d.]+:8080: connect: connection refused$/,
    )
    await kube.ok(['down', 'web'])
  })

  test('readinessGates: a pod is ready when the conditions that they name are set', async () => {
    const gates = [{ conditionType: 'example.com/feature' }, { conditionType: 'example.com/other' }]
    await kube.play('gated', podManifest('gated', [{}], { readinessGates: gates }))
    const ready = async () => {
      const { status } = await kube.get('pod', 'gated')
      assert.equal(status.conditions?.find(({ type }) => type === 'ContainersReady')?.status, 'True')
      const { status: answer, reason, message } = status.conditions?.find(({ type }) => type === 'Ready') ?? {}
      return { answer, reason, message }
    }
    const set = (type: string, status: string) =>
      kube.ok([
        'patch',
        'pod',
        'gated',
        '--subresource=status',
        '-p',
        JSON.stringify({ status: { conditions: [{ type, status }] } }),
      ])
    const missing = (type: string) => `corresponding condition of pod readiness gate "${type}" does not exist.`
    const reason = 'ReadinessGatesNotReady'
    const none = `${missing('example.com/feature')}, ${missing('example.com/other')}`
    assert.deepEqual(await ready(), { answer: 'False', reason, message: none })
    assert.match(await kube.ok(['get', 'pod', 'gated', '-o', 'wide']), / 0\/2 *\n/)
    assert.equal(await set('example.com/feature', 'True'), 'pod/gated patched\n')
    assert.equal(await set('example.com/feature', 'True'), 'pod/gated patched (no change)\n')
    await set('example.com/other', 'False')
    const not = 'the status of pod readiness gate "example.com/other" is not "True", but False'
    assert.deepEqual(await ready(), { answer: 'False', reason, message: not })
    assert.match(
      await kube.ok(['describe', 'pod', 'gated']),
      /Readiness Gates:\n.*\n *example.com\/feature +True *\n *example.com\/other +False/,
    )
    const waiting = kube.ok(['wait', 'pod/gated', '--for=condition=Ready', '--timeout=20s'])
    await set('example.com/other', 'True')
    await waiting
    const wrong = await kube.run(['patch', 'pod', 'gated', '--subresource=status', '-p', '{"spec":{"hostname":"x"}}'])
    assert.equal(wrong.status, 2)
    assert.match(wrong.stderr, /spec cannot be patched/)
    const own = await kube.run([
      'patch',
      'pod',
      'gated',
      '--subresource=status',
      '-p',
      'status: {conditions: [{type: Ready, status: "True"}]}',
    ])
    assert.equal(own.status, 2)
    await kube.ok(['down', 'gated'])
  })

  test('readiness comes and goes, by a command', async () => {
    const readinessProbe = { exec: { command: ['cat', '/tmp/ready'] }, ...OFTEN }
    await play('flips', { readinessProbe })
    await told('flips', "Unhealthy Readiness probe failed: cat: can't open '/tmp/ready': No such file or directory")
    const { status } = await kube.get('pod', 'flips')
    const condition = status.conditions?.find(({ type }) => type === 'Ready')
    assert.equal(condition?.reason, 'ContainersNotReady')
    assert.equal(condition?.message, 'containers with unready status: [main]')
    await kube.ok(['exec', 'flips', '--', 'touch', '/tmp/ready'])
    await isReady('flips')
    await kube.ok(['exec', 'flips', '--', 'rm', '/tmp/ready'])
    await unready('flips')
    assert.equal((await main('flips')).restartCount, 0)
    await kube.ok(['down', 'flips'])
  })

  test('a liveness probe that fails ends the container, with the grace period of its own', async () => {
    const script = 'trap "" TERM; touch /tmp/live; while true; do sleep 0.1; done'
    const exec = { command: ['cat', '/tmp/live'] }
    const livenessProbe = { exec, ...OFTEN, terminationGracePeriodSeconds: 1 }
    await play('live', { script, livenessProbe }, { terminationGracePeriodSeconds: 600 })
    await kube.ok(['exec', 'live', '--', 'rm', '/tmp/live'])
    await kube.ok(['wait', 'pod/live', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', '--timeout=20s'])
    assert.equal((await main('live')).lastState.terminated?.exitCode, 137)
    await told('live', 'Killing Container main failed liveness probe, will be restarted')
    await kube.ok(['down', '--grace-period', '0', 'live'])
  })

  test('a startup probe that never passes ends the container', async () => {
    const startupProbe = { tcpSocket: { port: 9 }, periodSeconds: 1, failureThreshold: 2 }
    await play('never-up', { startupProbe }, { restartPolicy: 'Never' })
    await kube.ok(['wait', 'pod/never-up', '--for=jsonpath={.status.containerStatuses[0].state.terminated.reason}'])
    await told('never-up', 'Killing Container main failed startup probe, will be restarted')
    await kube.ok(['down', 'never-up'])
  })

  test('the longest period is waited for', async () => {
    const exec = { command: ['sh', '-c', 'echo >>/tmp/asked; exit 1'] }
    await play('patient', { startupProbe: { exec, periodSeconds: 2 ** 31 - 1, failureThreshold: 10 } })
    await told('patient', 'Unhealthy Startup probe failed')
    assert.equal(await kube.ok(['exec', 'patient', '--', 'wc', '-l', '/tmp/asked']), '1 /tmp/asked\n')
    await kube.ok(['down', '--grace-period', '0', 'patient'])
  })

  test('a probe that cannot even ask says nothing of the container', async () => {
    const livenessProbe = { exec: { command: ['nope'] }, ...OFTEN }
    await play('unasked', { livenessProbe, readinessProbe: { tcpSocket: { port: 'web' }, ...OFTEN } })
    await told(
      'unasked',
      'Unhealthy Liveness probe errored and resulted in unknown state: executable file `nope` not found',
    )
    await told('unasked', 'Unhealthy Readiness probe errored and resulted in unknown state: ')
    assert.equal((await main('unasked')).restartCount, 0)
    await kube.ok(['down', 'unasked'])
  })

  test('HTTP: headers, status, redirects, certificates', async t => {
    const seen: IncomingMessage['headers'][] = []
    const plain = await serving(
      t,
      createServer((request, response) => {
        seen.push(request.headers)
        if (request.url === '/away') response.writeHead(302, { location: 'http://example.invalid/' })
        else if (request.url === '/loop') response.writeHead(302, { location: '/loop' })
        else if (request.url === '/here') response.writeHead(302, { location: '/ok?from=here' })
        else if (request.url === '/broken') response.writeHead(503)
        response.end('body')
      }),
    )
    const tls = await serving(
      t,
      createTlsServer(selfSigned(), (_request, response) => void response.end('ok')),
    )
    const get = (parts: object) => ({ httpGet: { host: '127.0.0.1', port: plain.port, ...parts }, ...OFTEN })
    const httpHeaders = [
      { name: 'Host', value: 'shop.example' },
      { name: 'X-Token', value: 'one' },
    ]
    const containers = {
      headers: get({ path: '/ok', httpHeaders }),
      here: get({ path: '/here' }),
      away: get({ path: '/away' }),
      tls: get({ port: tls.port, scheme: 'HTTPS' }),
      broken: get({ path: '/broken' }),
      loop: get({ path: '/loop' }),
    }
    const parts = Object.entries(containers).map(([name, readinessProbe]) => ({ name, readinessProbe }))
    await kube.play('http', podManifest('http', parts))
    for (const name of ['headers', 'here', 'away', 'tls']) {
      const path = `{.status.containerStatuses[?(@.name=="${name}")].ready}`
      await kube.ok(['wait', 'pod/http', `--for=jsonpath=${path}=true`])
    }
    await told('http', 'Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503')
    const loop = `"http://127.0.0.1:${plain.port}/loop"`
    await told('http', `Unhealthy Readiness probe failed: Get ${loop}: stopped after 10 redirects`)
    const { status } = await kube.get('pod', 'http')
    assert.equal(containerOf(status, 'broken').ready, false)
    assert.equal(containerOf(status, 'loop').ready, false)
    const asked = seen.find(headers => headers['x-token'] === 'one')
    assert.equal(asked?.host, 'shop.example')
    assert.match(asked?.['user-agent'] ?? '', /^kube-probe\//)
    assert.equal(asked?.accept, '*/*')
    await kube.ok(['down', 'http'])
  })

  test('gRPC', async t => {
    const server = createGrpcServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const service = Buffer.concat(chunks).subarray(7).toString()
        response.writeHead(200, { 'content-type': 'application/grpc' })
        // HealthCheckResponse: 1 is SERVING, 2 is not.
        response.write(Buffer.from([0, 0, 0, 0, 2, 8, service === 'good' ? 1 : 2]))
        response.addTrailers({ 'grpc-status': '0' })
        response.end()
      })
    })
    const { port } = await serving(t, server)
    const grpc = (service: string) => ({ grpc: { port, service }, ...OFTEN })
    const parts = ['good', 'bad'].map(name => ({ name, readinessProbe: grpc(name) }))
    // On the machine's own network the pod's address is one that the server of this test has.
    await kube.play('grpc', podManifest('grpc', parts, { hostNetwork: true }))
    await kube.ok(['wait', 'pod/grpc', '--for=jsonpath={.status.containerStatuses[?(@.name=="good")].ready}=true'])
    await told('grpc', 'Unhealthy Readiness probe failed: service unhealthy (responded with "NOT_SERVING")')
    await kube.ok(['down', 'grpc'])
  })

  test('what takes too long has failed, and nothing of it stays', async () => {
    const readinessProbe = { exec: { command: ['sleep', '7777'] }, ...OFTEN, timeoutSeconds: 1 }
    await play('slow', { readinessProbe })
    await told('slow', 'Unhealthy Readiness probe failed: command timed out: "sleep 7777" timed out after 1s')
    await eventually(async () => {
      const processes = await kube.ok(['exec', 'slow', '--', 'ps'])
      assert.ok((processes.match(/sleep 7777/g) ?? []).length <= 1, processes)
    })
    await kube.ok(['down', 'slow'])
  })
})
