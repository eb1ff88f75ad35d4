/** What people do with `podman kube play` and `kube generate`, in podman's own test cases, translated to Kubernetes' rules. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { busyboxRootfs } from '../support/busybox-rootfs.ts'
import { freePorts } from '../support/free-ports.ts'
import { IMAGE, succeeded } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'
import { serving } from '../support/serving.ts'

suite('podman cases', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  function pod(name: string, container: object, spec: object = {}): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'c', image: IMAGE, ...container }],
        ...spec,
      },
    }
  }

  const ECHO = {
    command: ['sh', '-c', 'mkdir /srv; echo hello > /srv/index.html; exec httpd -f -h /srv'],
    readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
  }

  /** The page of a server; empty where nobody answers. */
  async function heard(port: number): Promise<string> {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`)
      return (await response.text()).trim()
    } catch {
      return ''
    }
  }

  test('--publish: ports that no container lists, one port twice, and the place of a hostPort', async () => {
    const [one = 0, two = 0, hidden = 0, shown = 0, udpPort = 0, tcpPort = 0] = await freePorts(6)
    const manifest = kube.manifest([pod('echo', ECHO)])
    kube.ok('play', '--wait=ready', '--publish', `${one}:80`, '--publish', `${two}:80`, manifest)
    assert.deepEqual([await heard(one), await heard(two)], ['hello', 'hello'])
    const listed = kube.manifest([pod('echo', { ...ECHO, ports: [{ containerPort: 80, hostPort: hidden }] })])
    kube.ok('down', manifest)
    kube.ok('play', '--wait=ready', '--publish', `${shown}:80`, listed)
    assert.deepEqual([await heard(hidden), await heard(shown)], ['', 'hello'])
    const udp = { containerPort: 80, hostPort: udpPort, protocol: 'UDP' }
    kube.ok(
      'play',
      '--publish',
      `${tcpPort}:80/tcp`,
      '--app',
      'both',
      kube.manifest([pod('both', { ...ECHO, ports: [udp] })]),
    )
    assert.deepEqual(kube.ok('port', 'both').trim().split('\n'), [
      `80/udp -> 0.0.0.0:${udpPort}`,
      `80/tcp -> 0.0.0.0:${tcpPort}`,
    ])
    kube.down('both')
    kube.ok('down', listed)
  })

  test('a manifest from a URL, and from standard input, twice, and taken down twice', async t => {
    const text = JSON.stringify(pod('there', { command: ['sleep', '1000'] }))
    const server = createServer((_, response) => response.end(text))
    const { port } = await serving(t, server)
    const url = `http://127.0.0.1:${port}/there.yaml`
    // The server lives in this process, which the synchronous runner would stop.
    const run = async (verb: string) => succeeded([verb], await kube.start([verb, url]).ended)
    assert.equal(await run('play'), 'pod/there created\n')
    assert.equal(await run('play'), 'pod/there unchanged\n')
    assert.equal(await run('down'), 'pod/there removed\n')
    assert.equal(await run('down'), '')
    assert.equal(kube.runWith(text, 'play', '-').stdout, 'pod/there created\n')
    assert.equal(kube.runWith(text, 'down', '-').stdout, 'pod/there removed\n')
  })

  test("an image's entry point, variables and volumes", () => {
    const change = (...instructions: readonly string[]) =>
      instructions.flatMap(instruction => ['--change', instruction])
    const tar = kube.file('image.tar', busyboxRootfs())
    kube.ok(
      'import',
      ...change('ENTRYPOINT ["/bin/echo","entry"]', 'CMD ["cmd"]', 'ENV OPTIONS="-XX:+A name=b,c=d"', 'VOLUME /www'),
      tar,
      'localhost/entry:1',
    )
    const image = 'localhost/entry:1'
    const containers = [
      { name: 'none', image },
      { name: 'command', image, command: ['echo', 'hello'] },
      { name: 'args', image, args: ['hello'] },
      { name: 'both', image, command: ['echo'], args: ['hello'] },
      { name: 'env', image, command: ['sh', '-c', 'echo "$OPTIONS"'] },
      { name: 'mount', image, command: ['ls', '/www'], volumeMounts: [{ name: 'v', mountPath: '/www/' }] },
    ]
    const directory = join(kube.directory, 'www')
    mkdirSync(directory)
    writeFileSync(join(directory, 'mine'), '')
    kube.play('entry', pod('entry', {}, { containers, volumes: [{ name: 'v', hostPath: { path: directory } }] }))
    kube.waitForPhase('entry', 'Succeeded')
    const logs = Object.fromEntries(containers.map(({ name }) => [name, kube.logs('entry', name).trim()]))
    assert.deepEqual(logs, {
      none: 'entry cmd',
      command: 'hello',
      args: 'entry hello',
      both: 'hello',
      env: '-XX:+A name=b,c=d',
      mount: 'mine',
    })
    kube.down('entry')
  })

  test('a ConfigMap volume cannot be made to lead to the machine; a subPath cannot either', () => {
    const target = join(kube.directory, 'target')
    const volumes = [{ name: 'v', configMap: { name: 'settings' } }]
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { foo: 'content' } }
    const script = `ln -sf ${target} /test/foo`
    const linking = pod(
      'link',
      { command: ['sh', '-c', script], volumeMounts: [{ name: 'v', mountPath: '/test' }] },
      { volumes },
    )
    for (let round = 0; round < 2; round++) {
      kube.play('link', settings, linking)
      kube.waitForPhase('link', 'Failed')
      kube.down('link')
    }
    assert.equal(existsSync(target), false)
    const directory = join(kube.directory, 'volume')
    mkdirSync(directory)
    symlinkSync('/', join(directory, 'out'))
    const escaping = pod(
      'escape',
      { command: ['ls', '/in'], volumeMounts: [{ name: 'v', mountPath: '/in', subPath: 'out' }] },
      { volumes: [{ name: 'v', hostPath: { path: directory } }] },
    )
    assert.match(kube.playFails('escape', escaping), /subPath "out" leads out of the volume/)
  })

  test('a named volume is generated as a claim, and its pod tells that a cluster needs one', () => {
    const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }]
    kube.play(
      'claims',
      pod('claims', { command: ['sleep', '1000'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes }),
    )
    kube.sh('claims', 'echo kept > /v/file')
    assert.match(kube.run('generate', 'claims').stderr, /no manifest has its claim data/)
    const both = kube.run('generate', '--podman-only', '--no-trunc', 'pvc/data', 'claims')
    assert.equal(both.stderr, '')
    kube.down('claims')
    kube.ok('play', '--app', 'again', kube.file('both.yaml', both.stdout))
    assert.equal(kube.sh('claims', 'cat /v/file'), 'kept')
    kube.ok('down', '--volumes', 'again')
    assert.equal(kube.run('generate', 'claims', '--type', 'daemonset', '-r', '2').status, 2)
  })
})
