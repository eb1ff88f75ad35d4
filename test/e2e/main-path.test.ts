import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { IMAGE } from '../support/instance.ts'
import { useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { runtimePid } from '../support/runtime-pid.ts'

const PORT = await freePort()

const WEB = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: httpd
    image: ${IMAGE}
    command: [httpd, -f, -p, '8080', -h, /www]
    ports: [{ containerPort: 8080, hostPort: ${PORT} }]
    volumeMounts: [{ name: www, mountPath: /www }]
    resources: { limits: { memory: 64Mi, cpu: 500m } }
  - name: writer
    image: ${IMAGE}
    command: [sh, -c, 'echo "hello from $(hostname)" > /www/index.html; exec sleep 1000']
    volumeMounts: [{ name: www, mountPath: /www }]
  volumes: [{ name: www, emptyDir: {} }]
`

/** Playing ends when the containers were started: the one may not listen yet, the other may not have written yet. */
function page(address: string): Promise<string> {
  return eventually(async () => {
    const text = await (await fetch(`http://${address}:${PORT}/`)).text()
    assert.match(text, /^hello/)
    return text
  })
}

describe('the main path', { skip: cannotRunPods }, () => {
  const kube = useKube()

  const getPod = () => kube.get('pod', 'web')
  const pidOf = async (name: string) =>
    runtimePid(kube.runroot, containerOf((await getPod()).status, name).containerID ?? '')

  test('play makes the pod, and its page comes through the published port on every address', async () => {
    assert.match(await kube.ok(['play', kube.file('web.yaml', WEB)]), /^pod\/web created$/m)
    const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
    const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
    for (const address of ['127.0.0.1', ...(outside === undefined ? [] : [outside])]) {
      assert.equal(await page(address), 'hello from web\n')
    }
  })

  test('the members share net, ipc and uts with the infra container, and have mounts and processes of their own', async () => {
    const namespaces = (pid: number) =>
      Object.fromEntries(
        ['net', 'ipc', 'uts', 'mnt', 'pid'].map(kind => [
          kind,
          execFileSync('readlink', [`/proc/${pid}/ns/${kind}`], { encoding: 'utf8' }),
        ]),
      )
    const httpd = namespaces(await pidOf('httpd'))
    const writer = namespaces(await pidOf('writer'))
    const machine = namespaces(process.pid)
    for (const kind of ['net', 'ipc', 'uts']) {
      assert.equal(httpd[kind], writer[kind])
      assert.notEqual(httpd[kind], machine[kind])
    }
    for (const kind of ['mnt', 'pid']) assert.notEqual(httpd[kind], writer[kind])
  })

  test('limits are in the kernel', async () => {
    const pid = await pidOf('httpd')
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')
    const path = (controller: string) =>
      lines.map(line => line.split(':')).find(([, names]) => names?.split(',').includes(controller))?.[2]
    const unified = existsSync('/sys/fs/cgroup/cgroup.controllers')
    const read = (controller: string, file: string) =>
      readFileSync(
        unified ? `/sys/fs/cgroup${path('')}/${file}` : `/sys/fs/cgroup/${controller}${path(controller)}/${file}`,
        'utf8',
      ).trim()
    assert.equal(unified ? read('', 'memory.max') : read('memory', 'memory.limit_in_bytes'), String(64 * 1024 * 1024))
    if (unified) assert.equal(read('', 'cpu.max'), '50000 100000')
    else assert.deepEqual([read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.cfs_period_us')], ['50000', '100000'])
  })

  test('no kube process stays behind', () => {
    assert.deepEqual(
      kube.leftovers().filter(text => /process .*(node|kube\.cjs)/.test(text)),
      [],
    )
  })

  test('playing it again changes nothing; a changed pod is made anew', async () => {
    const uid = (await getPod()).metadata.uid
    assert.match(await kube.ok(['play', `${kube.directory}/web.yaml`]), /^pod\/web unchanged$/m)
    assert.equal((await getPod()).metadata.uid, uid)
    assert.match(
      await kube.ok(['play', kube.file('web.yaml', WEB.replace('hello from', 'changed on'))]),
      /^pod\/web configured$/m,
    )
    assert.notEqual((await getPod()).metadata.uid, uid)
  })

  test('generate gives a manifest whose plan is equal, and that can be played', async () => {
    const generated = kube.file('generated.yaml', await kube.ok(['generate', 'web']))
    const plan = async (file: string) => JSON.parse(await kube.ok(['plan', file, '-o', 'json'])) as unknown
    assert.deepEqual(await plan(generated), await plan(`${kube.directory}/web.yaml`))
  })

  test('down leaves nothing, and twice is no error', async () => {
    assert.match(await kube.ok(['down', `${kube.directory}/web.yaml`]), /pod\/web removed/)
    await kube.nothingLeft()
    await kube.ok(['down', `${kube.directory}/web.yaml`])
    await assert.rejects(fetch(`http://127.0.0.1:${PORT}/`))
  })

  test('an app can be taken down by its name, when the file is gone, and from standard input', async () => {
    await kube.ok(['play', '-'], { input: WEB })
    assert.equal((await getPod()).status.phase, 'Running')
    await kube.ok(['down', '-'], { input: WEB })
    await kube.nothingLeft()
    await kube.ok(['play', `${kube.directory}/generated.yaml`])
    execFileSync('rm', [`${kube.directory}/generated.yaml`])
    await kube.ok(['down', 'generated'])
    await kube.nothingLeft()
  })
})

describe('what goes wrong is told in one message, with nothing left behind', { skip: cannotRunPods }, () => {
  const kube = useKube()

  const pod = (patch: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata: { name: bad }\nspec:\n  containers:\n  - name: good\n    image: ${IMAGE}\n    command: [sleep, '1000']\n  - name: c\n${patch.replace(/^/gm, '    ')}\n`

  const cases: readonly (readonly [name: string, text: string, status: number, message: RegExp])[] = [
    ['broken YAML', 'a: [', 2, /error:/],
    ['a wrong type', pod(`image: ${IMAGE}\nargs: 7`), 2, /spec\.containers\[1\]\.args/],
    ['an unknown field', pod(`image: ${IMAGE}\ncomand: [x]`), 2, /comand.*did you mean.*command/s],
    ['an unknown kind', 'apiVersion: v1\nkind: Potato\nmetadata: { name: x }\n', 2, /Potato/],
    ['an absent image', pod('image: nothing-like-it:1\nimagePullPolicy: Never'), 1, /nothing-like-it:1/],
    [
      'a command that is not in the image',
      pod(`image: ${IMAGE}\ncommand: [no-such-command]`),
      1,
      /no-such-command.*not in the image/s,
    ],
    [
      'an absolute command that is not in the image',
      pod(`image: ${IMAGE}\ncommand: [/no/such]`),
      1,
      /not in the image/,
    ],
    ['a command that is a directory', pod(`image: ${IMAGE}\ncommand: [/etc]`), 1, /cannot be executed/],
    ['no command at all', pod(`image: ${IMAGE}\ncommand: []\nargs: []`), 1, /command/],
    [
      'a missing hostPath',
      `${pod(`image: ${IMAGE}\ncommand: [sleep]`)}  volumes: [{ name: v, hostPath: { path: /no/such/place, type: Directory } }]\n`,
      1,
      /\/no\/such\/place/,
    ],
  ]
  for (const [name, text, status, message] of cases) {
    test(name, async () => {
      const done = await kube.run(['play', kube.file('bad.yaml', text)])
      if (name === 'no command at all' && done.status === 0) {
        // The image has a command of its own.
        await kube.ok(['down', 'bad', '--grace-period', '0'])
        return
      }
      assert.equal(done.status, status, done.stderr)
      assert.match(done.stderr, message)
      assert.doesNotMatch(done.stderr, /\n\s+at |node:internal/)
      await kube.nothingLeft()
    })
  }

  test('a missing file', async () => {
    const done = await kube.run(['play', `${kube.directory}/absent.yaml`])
    assert.equal(done.status, 2)
    assert.match(done.stderr, /absent\.yaml: no such file/)
  })

  test('a host port that a program of the machine holds', async () => {
    const server = createServer().listen(PORT, '0.0.0.0')
    await once(server, 'listening')
    try {
      const done = await kube.run(['play', kube.file('web.yaml', WEB)])
      assert.equal(done.status, 1)
      assert.match(done.stderr, new RegExp(`host port ${PORT}/TCP is in use`))
      await kube.nothingLeft()
    } finally {
      server.close()
    }
  })

  test('a host port that another pod holds is told with its name, and that pod is not harmed', async () => {
    await kube.ok(['play', kube.file('web.yaml', WEB)])
    const done = await kube.run(['play', kube.file('other.yaml', WEB.replaceAll('name: web', 'name: other'))])
    assert.equal(done.status, 1)
    assert.match(done.stderr, /in use by pod default\/web/)
    assert.equal(await page('127.0.0.1'), 'hello from web\n')
    await kube.ok(['down', 'web'])
    await kube.nothingLeft()
  })

  test('a missing host tool', async () => {
    const done = await kube.run(['--runtime', 'no-such-runtime', 'play', kube.file('web.yaml', WEB)])
    assert.equal(done.status, 1)
    assert.match(done.stderr, /no-such-runtime is not installed/)
    await kube.nothingLeft()
  })

  test('SIGINT ends a command that waits for its manifest', async () => {
    const play = kube.start(['play', '-'])
    play.type('kind: Pod\n')
    // With that it waits.
    while (!play.hasLoaded('koffi.node')) await setImmediate()
    const { status, stderr } = await play.interrupt()
    assert.deepEqual([status, stderr], [130, 'kube: interrupted\n'])
    await kube.nothingLeft()
  })

  test('SIGINT ends a command that only reads a manifest, in the middle of that', { timeout: 60_000 }, async () => {
    const fifo = join(kube.root, 'fifo')
    execFileSync('mkfifo', [fifo])
    const validate = kube.start(['validate', fifo])
    // This fails until somebody reads; who reads waits then for more.
    const writer = await eventually(() => openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK))
    const { status, stderr } = await validate.interrupt()
    closeSync(writer)
    rmSync(fifo)
    assert.deepEqual([status, stderr], [130, ''])
  })

  test('SIGINT in mid-play rolls back', async () => {
    const many = Array.from({ length: 12 }, (_, i) =>
      WEB.replace('name: web', `name: web-${i}`).replace(/ {4}ports: .*\n/, ''),
    ).join('---')
    const play = kube.start(['play', kube.file('many.yaml', many)])
    // As soon as the first container's directory is there, which is in mid-play.
    while (readdirSync(`${kube.runroot}/c`).length === 0) await setImmediate()
    const { status, stderr } = await play.interrupt()
    assert.equal(status, 130, stderr)
    assert.match(stderr, /interrupted/)
    await kube.nothingLeft()
  })
})
