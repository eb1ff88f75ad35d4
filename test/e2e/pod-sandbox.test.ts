/** What the containers of a pod share, and what they see of the machine. */
import assert from 'node:assert/strict'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'
import { containerOf } from '../support/object-views.ts'
import { configMap, container, pod } from '../support/objects.ts'

describe('sandbox', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  /** By their kinds. */
  const namespaces = (name: string, main?: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      kube
        .sh(name, 'cd /proc/self/ns; for kind in net ipc uts pid mnt; do echo $kind $(readlink $kind); done', main)
        .split('\n')
        .map(line => line.split(' ')),
    )

  test('the umask of whoever plays is nothing to the containers', () => {
    const volumeMounts = [
      { name: 'words', mountPath: '/words' },
      { name: 'scratch', mountPath: '/scratch' },
    ]
    const volumes = [
      { name: 'words', configMap: { name: 'words' } },
      { name: 'scratch', emptyDir: {} },
    ]
    const umask = process.umask(0o077)
    try {
      kube.ok('import', `${kube.directory}/busybox.tar`, 'localhost/strict:1')
      kube.play(
        'strict',
        configMap('words', { key: 'word' }),
        pod('strict', {
          container: { image: 'localhost/strict:1', volumeMounts, securityContext: { runAsUser: 1000 } },
          spec: { volumes },
        }),
      )
    } finally {
      process.umask(umask)
    }
    assert.equal(
      kube.sh('strict', 'umask; cat /words/key; touch /scratch/x; grep -c localhost /etc/hosts'),
      '0022\nword2',
    )
    assert.equal(kube.sh('strict', 'stat -c %A / /words /etc'), 'drwxr-xr-x\ndrwxrwxrwx\ndrwxr-xr-x')
    kube.down('strict')
  })

  test('hostname, subdomain, setHostnameAsFQDN, hostAliases, /etc/hosts', () => {
    const spec = {
      hostname: 'box',
      subdomain: 'sub',
      hostAliases: [{ ip: '192.0.2.7', hostnames: ['one', 'two.example'] }],
    }
    kube.play('named', pod('named', { spec }))
    const { podIP } = kube.get('pod', 'named').status
    assert.equal(kube.sh('named', 'hostname; cat /etc/hostname; echo $HOSTNAME'), 'box\nbox\nbox')
    assert.equal(
      kube.sh('named', 'cat /etc/hosts'),
      `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
${podIP}\tbox.sub.default.svc.cluster.local\tbox

# Entries added by HostAliases.
192.0.2.7\tone\ttwo.example`,
    )
    kube.down('named')
    kube.play('named', pod('named', { spec: { ...spec, setHostnameAsFQDN: true } }))
    assert.equal(kube.sh('named', 'hostname'), 'box.sub.default.svc.cluster.local')
    kube.down('named')
    kube.play('named', pod('named'))
    assert.equal(kube.sh('named', 'hostname'), 'named')
    kube.down('named')
  })

  test('dnsPolicy and dnsConfig', () => {
    const dnsConfig = {
      nameservers: ['192.0.2.53'],
      searches: ['a.example', 'b.example'],
      options: [{ name: 'ndots', value: '3' }, { name: 'edns0' }],
    }
    kube.play(
      'dns',
      pod('none', { spec: { dnsPolicy: 'None', dnsConfig } }),
      pod('default', { spec: { dnsPolicy: 'Default' } }),
      pod('first'),
    )
    assert.equal(
      kube.sh('none', 'cat /etc/resolv.conf'),
      'search a.example b.example\nnameserver 192.0.2.53\noptions ndots:3 edns0',
    )
    const own = readFileSync('/etc/resolv.conf', 'utf8').match(/^nameserver (?!127\.|::1)\S+/gm) ?? []
    for (const line of own) assert.ok(kube.sh('default', 'cat /etc/resolv.conf').includes(line))
    assert.notEqual(kube.sh('first', 'cat /etc/resolv.conf'), '')
    kube.down('dns')
  })

  test('the containers share network, ipc and host name, but neither processes nor files', () => {
    kube.play('pair', pod('pair', { spec: { containers: [container('a'), container('b')] } }))
    const [a, b] = [namespaces('pair', 'a'), namespaces('pair', 'b')]
    for (const kind of ['net', 'ipc', 'uts']) assert.equal(a[kind], b[kind], kind)
    for (const kind of ['pid', 'mnt']) assert.notEqual(a[kind], b[kind], kind)
    for (const kind of ['net', 'ipc', 'uts', 'pid', 'mnt']) {
      assert.match(a[kind] ?? '', /^\w+:\[\d+\]$/)
      assert.notEqual(a[kind], readlinkSync(`/proc/self/ns/${kind}`), kind)
    }
    kube.sh('pair', 'echo x > /dev/shm/x', 'a')
    assert.equal(kube.sh('pair', 'cat /dev/shm/x', 'b'), 'x')
    kube.down('pair')
  })

  test('shareProcessNamespace: each sees the other, and the infra process is the first', () => {
    kube.play(
      'procs',
      pod('procs', {
        spec: {
          shareProcessNamespace: true,
          containers: [container('a'), container('b', { command: ['sleep', '2222'] })],
        },
      }),
    )
    assert.match(namespaces('procs', 'a').pid ?? '', /^pid:/)
    assert.equal(namespaces('procs', 'a').pid, namespaces('procs', 'b').pid)
    const seen = kube.sh('procs', 'ps -o pid,args', 'a')
    assert.match(seen, /sleep 2222/)
    assert.match(seen, /^\s*1 .*catatonit/m)
    kube.down('procs')
  })

  test('hostNetwork, hostPID, hostIPC', () => {
    const spec = { hostNetwork: true, hostPID: true, hostIPC: true }
    kube.play('host', pod('host', { spec }))
    const host = namespaces('host')
    for (const kind of ['net', 'pid', 'ipc', 'uts'])
      assert.equal(host[kind], readlinkSync(`/proc/self/ns/${kind}`), kind)
    assert.equal(kube.sh('host', 'hostname'), hostname())
    assert.match(kube.sh('host', 'head -1 /etc/hosts'), /host network/)
    kube.down('host')
  })

  test('terminationMessagePath and its policy', () => {
    const ends = (name: string, script: string, more: object = {}) =>
      pod(name, { container: { command: ['sh', '-c', script], ...more }, spec: { restartPolicy: 'Never' } })
    kube.play(
      'ends',
      ends('file', 'echo -n because > /dev/termination-log; exit 3'),
      ends('path', 'echo -n there > /tmp/why; exit 0', { terminationMessagePath: '/tmp/why' }),
      ends('logs', 'echo last words; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
      ends('quiet', 'echo words; exit 1'),
    )
    const end = (name: string) => containerOf(kube.get('pod', name).status, 'main').state.terminated
    for (const name of ['file', 'logs', 'quiet']) kube.waitForPhase(name, 'Failed')
    kube.waitForPhase('path', 'Succeeded')
    assert.deepEqual([end('file')?.message, end('file')?.exitCode], ['because', 3])
    assert.equal(end('path')?.message, 'there')
    assert.equal(end('logs')?.message, 'last words\n')
    assert.equal(end('quiet')?.message, undefined)
    kube.down('ends')
  })

  test('command, args, workingDir, variables in the order of their kind', () => {
    const env = [
      { name: 'FIRST', value: 'one' },
      { name: 'SECOND', value: '$(FIRST)-two $$(FIRST) $(NONE)' },
      { name: 'A', value: 'own' },
      { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'cm', key: 'B' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      { name: 'MAYBE', valueFrom: { secretKeyRef: { name: 'absent', key: 'x', optional: true } } },
    ]
    const main = {
      command: ['sh', '-c'],
      args: ['echo "$(FIRST) $(A) $0 $PWD"; env; exec sleep 1000', '$(SECOND)'],
      workingDir: '/var/log',
      env,
      envFrom: [{ configMapRef: { name: 'cm' } }, { prefix: 'P_', configMapRef: { name: 'cm' } }],
      resources: { limits: { cpu: '1500m' } },
    }
    kube.play('env', configMap('cm', { A: 'a', B: 'b' }), pod('env', { container: main }))
    const pid = kube.get('pod', 'env')
    const logged = kube.sh('env', 'tr "\\0" "\\n" < /proc/1/environ').split('\n')
    const value = (name: string) => logged.find(line => line.startsWith(`${name}=`))?.slice(name.length + 1)
    assert.equal(value('SECOND'), 'one-two $(FIRST) $(NONE)')
    assert.deepEqual(['A', 'B', 'P_A', 'P_B', 'KEY'].map(value), ['own', 'b', 'a', 'b', 'b'])
    assert.deepEqual([value('IP'), value('HOST')], [pid.status.podIP, pid.status.hostIP])
    assert.deepEqual([value('NODE'), value('CPU'), value('MAYBE')], [hostname().toLowerCase(), '1500', undefined])
    assert.equal(kube.sh('env', 'readlink /proc/1/cwd'), '/var/log')
    kube.down('env')
  })

  test('tty and stdin', async () => {
    kube.play(
      'term',
      pod('term', {
        container: {
          tty: true,
          stdin: true,
          command: ['sh', '-c', 'test -t 0 && test -t 1 && echo terminal; exec sleep 1000'],
        },
      }),
    )
    kube.play(
      'pipe',
      pod('pipe', { container: { command: ['sh', '-c', 'test -t 1 || echo pipe; cat; echo end; exec sleep 1000'] } }),
    )
    assert.match(kube.sh('term', 'readlink /proc/1/fd/0'), /\/dev\/(pts\/\d+|console)/)
    assert.equal(kube.sh('pipe', 'readlink /proc/1/fd/0'), '/dev/null')
    kube.down('term')
    kube.down('pipe')
    // Without stdinOnce who attaches first does not close it for who comes after.
    kube.play(
      'open',
      pod('open', {
        container: {
          stdin: true,
          command: ['sh', '-c', 'while read line; do echo "got $line"; done; echo end; exec sleep 1000'],
        },
      }),
    )
    const attached = kube.start(['attach', '-i', '-q', 'open'])
    attached.type('one\n')
    await eventually(() => assert.match(kube.logs('open'), /got one/))
    attached.signal('SIGTERM')
    await attached.ended
    assert.equal(kube.logs('open'), 'got one\n')
    kube.down('open')
  })

  test('imagePullPolicy: Never does not look for the image elsewhere', () => {
    const absent = pod('pull', { container: { image: 'localhost/absent:1', imagePullPolicy: 'Never' } })
    assert.match(
      kube.playFails('pull', absent),
      /image localhost\/absent:1 is not present, and its imagePullPolicy is Never/,
    )
    kube.play('pull', pod('pull', { container: { image: IMAGE, imagePullPolicy: 'IfNotPresent' } }))
    kube.down('pull')
  })

  test('runtimeClassName: a runtime of the machine, and one that is not there', () => {
    kube.play('class', pod('class', { spec: { runtimeClassName: 'crun' } }))
    assert.equal(kube.sh('class', 'echo ok'), 'ok')
    kube.down('class')
    assert.match(
      kube.playFails('class', pod('class', { spec: { runtimeClassName: 'absent' } })),
      /RuntimeClass "absent" not found/,
    )
  })

  test('a container mounts nothing of the machine by a link that its image has in the place of a mount', () => {
    // The mount point is a link that leads out when followed from the machine.
    const prepare = 'rm -rf /work/x; mkdir -p /work; ln -s ../../../../../../tmp /work/x'
    kube.play(
      'inside',
      pod('inside', {
        container: {
          command: ['sh', '-c', `${prepare}; exec sleep 1000`],
          volumeMounts: [{ name: 'v', mountPath: '/tmp/deep' }],
        },
        spec: { volumes: [{ name: 'v', emptyDir: {} }] },
      }),
    )
    assert.equal(kube.sh('inside', 'mount | grep -c "on /tmp/deep "'), '1')
    kube.down('inside')
  })
})
