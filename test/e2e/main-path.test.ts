import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { cannotRunPods, IMAGE, openSandbox, type Sandbox } from '../support/sandbox.ts'

const PORT = 28_431

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

interface PodJson {
  readonly metadata: { readonly uid: string }
  readonly status: {
    readonly phase: string
    readonly podIP: string
    readonly containerStatuses: readonly {
      readonly name: string
      readonly containerID: string
      readonly ready: boolean
    }[]
  }
}

describe('the main path', { skip: cannotRunPods }, () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await openSandbox()
  })
  after(() => sandbox[Symbol.asyncDispose]())

  const getPod = async () => JSON.parse(await sandbox.ok(['get', 'pod', 'web', '-o', 'json'])) as PodJson
  const pidOf = async (name: string) => {
    const status = (await getPod()).status.containerStatuses.find(container => container.name === name)
    const state = execFileSync(
      'crun',
      ['--root', `${sandbox.runroot}/crun`, 'state', status!.containerID.replace('crun://', '')],
      { encoding: 'utf8' },
    )
    return (JSON.parse(state) as { readonly pid: number }).pid
  }

  test('play makes the pod, and its page comes through the published port on every address', async () => {
    assert.match(await sandbox.ok(['play', sandbox.manifest('web.yaml', WEB)]), /^pod\/web created$/m)
    const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
    const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
    for (const address of ['127.0.0.1', ...(outside === undefined ? [] : [outside])]) {
      assert.equal(await page(address), 'hello from web\n')
    }
  })

  /** Playing ends when the containers were started: the one may not listen yet, the other may not have written yet. */
  async function page(address: string): Promise<string> {
    for (let tries = 0; ; tries++) {
      const text = await fetch(`http://${address}:${PORT}/`).then(
        response => response.text(),
        () => '',
      )
      if (text !== '' || tries > 200) return text
      await delay(10)
    }
  }

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
      sandbox.leftovers().filter(text => /process .*(node|kube\.cjs)/.test(text)),
      [],
    )
  })

  test('playing it again changes nothing; a changed pod is made anew', async () => {
    const uid = (await getPod()).metadata.uid
    assert.match(await sandbox.ok(['play', `${sandbox.dir}/web.yaml`]), /^pod\/web unchanged$/m)
    assert.equal((await getPod()).metadata.uid, uid)
    assert.match(
      await sandbox.ok(['play', sandbox.manifest('web.yaml', WEB.replace('hello from', 'changed on'))]),
      /^pod\/web configured$/m,
    )
    assert.notEqual((await getPod()).metadata.uid, uid)
  })

  test('generate gives a manifest whose plan is equal, and that can be played', async () => {
    const generated = sandbox.manifest('generated.yaml', await sandbox.ok(['generate', 'web']))
    const plan = async (file: string) => JSON.parse(await sandbox.ok(['plan', file, '-o', 'json'])) as unknown
    assert.deepEqual(await plan(generated), await plan(`${sandbox.dir}/web.yaml`))
  })

  test('down leaves nothing, and twice is no error', async () => {
    assert.match(await sandbox.ok(['down', `${sandbox.dir}/web.yaml`]), /pod\/web removed/)
    assert.deepEqual(sandbox.leftovers(), [])
    await sandbox.ok(['down', `${sandbox.dir}/web.yaml`])
    await assert.rejects(fetch(`http://127.0.0.1:${PORT}/`))
  })

  test('an app can be taken down by its name, when the file is gone, and from standard input', async () => {
    await sandbox.ok(['play', '-'], { input: WEB })
    assert.equal((await getPod()).status.phase, 'Running')
    await sandbox.ok(['down', '-'], { input: WEB })
    assert.deepEqual(sandbox.leftovers(), [])
    await sandbox.ok(['play', `${sandbox.dir}/generated.yaml`])
    execFileSync('rm', [`${sandbox.dir}/generated.yaml`])
    await sandbox.ok(['down', 'generated'])
    assert.deepEqual(sandbox.leftovers(), [])
  })
})

describe('what goes wrong is told in one message, with nothing left behind', { skip: cannotRunPods }, () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await openSandbox()
  })
  after(() => sandbox[Symbol.asyncDispose]())

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
      const done = await sandbox.kube(['play', sandbox.manifest('bad.yaml', text)])
      if (name === 'no command at all' && done.status === 0) {
        // The image has a command of its own.
        await sandbox.ok(['down', 'bad', '--grace-period', '0'])
        return
      }
      assert.equal(done.status, status, done.stderr)
      assert.match(done.stderr, message)
      assert.doesNotMatch(done.stderr, /\n\s+at |node:internal/)
      assert.deepEqual(sandbox.leftovers(), [])
    })
  }

  test('a missing file', async () => {
    const done = await sandbox.kube(['play', `${sandbox.dir}/absent.yaml`])
    assert.equal(done.status, 2)
    assert.match(done.stderr, /absent\.yaml: no such file/)
  })

  test('a host port that a program of the machine holds', async () => {
    const server = createServer().listen(PORT, '0.0.0.0')
    await once(server, 'listening')
    try {
      const done = await sandbox.kube(['play', sandbox.manifest('web.yaml', WEB)])
      assert.equal(done.status, 1)
      assert.match(done.stderr, new RegExp(`host port ${PORT}/TCP is in use`))
      assert.deepEqual(sandbox.leftovers(), [])
    } finally {
      server.close()
    }
  })

  test('a host port that another pod holds is told with its name, and that pod is not harmed', async () => {
    await sandbox.ok(['play', sandbox.manifest('web.yaml', WEB)])
    const done = await sandbox.kube([
      'play',
      sandbox.manifest('other.yaml', WEB.replaceAll('name: web', 'name: other')),
    ])
    assert.equal(done.status, 1)
    assert.match(done.stderr, /in use by pod default\/web/)
    assert.equal(await (await fetch(`http://127.0.0.1:${PORT}/`)).text(), 'hello from web\n')
    await sandbox.ok(['down', 'web'])
    assert.deepEqual(sandbox.leftovers(), [])
  })

  test('a missing host tool', async () => {
    const done = await sandbox.kube(['--runtime', 'no-such-runtime', 'play', sandbox.manifest('web.yaml', WEB)])
    assert.equal(done.status, 1)
    assert.match(done.stderr, /no-such-runtime is not installed/)
    assert.deepEqual(sandbox.leftovers(), [])
  })

  test('SIGINT in mid-play rolls back', async () => {
    const many = Array.from({ length: 12 }, (_, i) =>
      WEB.replace('name: web', `name: web-${i}`).replace(/ {4}ports: .*\n/, ''),
    ).join('---')
    const child = sandbox.start(['play', sandbox.manifest('many.yaml', many)])
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    // As soon as the first container's directory is there, which is in mid-play.
    while (readdirSync(`${sandbox.runroot}/c`).length === 0) await new Promise(resolve => setImmediate(resolve))
    child.kill('SIGINT')
    const [status] = await once(child, 'close')
    assert.equal(status, 130, stderr)
    assert.match(stderr, /interrupted/)
    assert.deepEqual(sandbox.leftovers(), [])
  })
})
