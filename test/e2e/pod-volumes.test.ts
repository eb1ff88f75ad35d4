/** Volumes as containers see them, and as the machine does. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { eventually } from '../support/eventually.ts'
import { cannotRunPods } from '../support/need.ts'
import { configMap, container, pod } from '../support/objects.ts'
import { pinOf, withMountsOf } from '../support/pod-mounts.ts'

describe('volumes', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  /** A pod with one volume at /v. */
  const withVolume = (name: string, volume: object, mount: object = {}, spec: object = {}, main: object = {}) =>
    pod(name, {
      container: { volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }], ...main },
      spec: { volumes: [{ name: 'v', ...volume }], ...spec },
    })
  const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)

  test('emptyDir: shared by the containers, writable for all, gone with the pod', () => {
    const mounts = { volumeMounts: [{ name: 'v', mountPath: '/v' }] }
    const other = container('other', { ...mounts, securityContext: { runAsUser: 1000 } })
    kube.play(
      'shared',
      pod('shared', {
        container: mounts,
        spec: {
          volumes: [{ name: 'v', emptyDir: {} }],
          initContainers: [container('prepare', { ...mounts, command: ['sh', '-c', 'echo init > /v/init'] })],
          containers: [container('main', mounts), other],
        },
      }),
    )
    assert.equal(kube.sh('shared', 'stat -c %a /v; cat /v/init', 'main'), '777\ninit')
    kube.sh('shared', 'echo hello > /v/file', 'other')
    assert.equal(kube.sh('shared', 'cat /v/file; stat -c %u /v/file', 'main'), 'hello\n1000')
    const { uid } = kube.get('pod', 'shared').metadata
    assert.equal(readFileSync(`${kube.root}/pods/${uid}/volumes/v/file`, 'utf8'), 'hello\n')
    kube.down('shared')
    assert.equal(existsSync(`${kube.root}/pods/${uid}`), false)
  })

  test('directories that a container nests deeper than a path can name go with its pod', () => {
    kube.play('deep', withVolume('deep', { emptyDir: {} }))
    const { uid } = kube.get('pod', 'deep').metadata
    // Two that are as deep as can be named, the one then put into the other.
    const long = `$(i=0; while [ $i -lt 18 ]; do printf %0200d/ 1; i=$((i+1)); done)`
    const nest = `d=${long}; for t in / /v/; do mkdir -p $t/a/$d $t/b/$d && mv $t/b $t/a/$d || exit 1; done; echo made`
    assert.equal(kube.sh('deep', nest), 'made')
    assert.equal(kube.ok('down', 'deep'), 'pod/deep removed\n')
    assert.ok(!existsSync(`${kube.root}/pods/${uid}`))
  })

  test('emptyDir in memory: a tmpfs of the given size, which two containers share', () => {
    const mounts = { volumeMounts: [{ name: 'v', mountPath: '/v' }] }
    kube.play(
      'memory',
      pod('memory', {
        container: mounts,
        spec: {
          volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
          containers: [container('main', mounts), container('other', mounts)],
        },
      }),
    )
    assert.match(kube.sh('memory', 'mount | grep " /v "', 'main'), /^tmpfs on \/v type tmpfs .*size=1024k/)
    kube.sh('memory', 'echo x > /v/a', 'main')
    assert.equal(kube.sh('memory', 'cat /v/a', 'other'), 'x')
    const full = kube.run(
      'exec',
      '-q',
      'memory',
      '-c',
      'main',
      '--',
      'dd',
      'if=/dev/zero',
      'of=/v/b',
      'bs=1M',
      'count=2',
    )
    assert.match(full.stderr, /No space left/)
    const { uid } = kube.get('pod', 'memory').metadata
    const place = `${kube.root}/pods/${uid}/volumes/v`
    const mounted = withMountsOf(kube, uid, ['findmnt', '-no', 'FSTYPE,SIZE', place])
    assert.match(mounted, /^tmpfs\s+1M/)
    kube.down('memory')
  })

  test('emptyDir in memory without a size: no larger than the memory of the pod', () => {
    const resources = { limits: { memory: '32Mi' } }
    kube.play('bounded', withVolume('bounded', { emptyDir: { medium: 'Memory' } }, {}, {}, { resources }))
    assert.match(kube.sh('bounded', 'mount | grep " /v "'), /size=32768k/)
    kube.down('bounded')
  })

  test('emptyDir of huge pages', () => {
    kube.play('huge', withVolume('huge', { emptyDir: { medium: 'HugePages-2Mi' } }))
    assert.match(kube.sh('huge', 'mount | grep " /v "'), /^hugetlbfs on \/v type hugetlbfs .*pagesize=2M/)
    kube.down('huge')
  })

  test('hostPath: each type is checked, and made where it says so', () => {
    const host = `${kube.directory}/host`
    mkdirSync(`${host}/dir`, { recursive: true })
    writeFileSync(`${host}/file`, 'content')
    const hostPath = (path: string, type?: string) => ({
      hostPath: { path: `${host}/${path}`, ...(type ? { type } : {}) },
    })
    const fails = (path: string, type: string) => kube.playFails('host', withVolume('host', hostPath(path, type)))
    assert.match(fails('none', 'Directory'), /hostPath type check failed: .*\/none/)
    assert.match(fails('file', 'Directory'), /is not a directory/)
    assert.match(fails('dir', 'File'), /is not a file/)
    assert.match(fails('none', 'File'), /does not exist/)
    assert.match(fails('file', 'Socket'), /is not a socket/)
    assert.match(fails('file', 'CharDevice'), /is not a char(acter)? device/)
    assert.match(fails('file', 'BlockDevice'), /is not a block device/)
    assert.deepEqual(readdirSync(host).sort(), ['dir', 'file'])
    // /proc takes no directories; a play that were never to answer would be killed.
    const nowhere = { hostPath: { path: '/proc/kube-none/deep', type: 'DirectoryOrCreate' } }
    assert.match(kube.playFails('host', withVolume('host', nowhere)), /create \/proc\/kube-none\/deep: ENOENT/)

    kube.play(
      'host',
      pod('host', {
        container: {
          volumeMounts: ['plain', 'dir', 'newdir', 'file', 'newfile'].map(name => ({ name, mountPath: `/h/${name}` })),
        },
        spec: {
          volumes: [
            { name: 'plain', ...hostPath('dir') },
            { name: 'dir', ...hostPath('dir', 'Directory') },
            { name: 'newdir', ...hostPath('made/deep', 'DirectoryOrCreate') },
            { name: 'file', ...hostPath('file', 'File') },
            { name: 'newfile', ...hostPath('made-file', 'FileOrCreate') },
          ],
        },
      }),
    )
    kube.sh('host', 'echo a > /h/dir/a; echo b > /h/newdir/b; echo -n more >> /h/file; echo c > /h/newfile')
    assert.equal(readFileSync(`${host}/dir/a`, 'utf8'), 'a\n')
    assert.equal(readFileSync(`${host}/made/deep/b`, 'utf8'), 'b\n')
    assert.equal(readFileSync(`${host}/file`, 'utf8'), 'contentmore')
    assert.equal(readFileSync(`${host}/made-file`, 'utf8'), 'c\n')
    assert.deepEqual([mode(`${host}/made/deep`), mode(`${host}/made-file`)], ['755', '644'])
    kube.down('host')
    assert.equal(readFileSync(`${host}/dir/a`, 'utf8'), 'a\n', 'a path of the machine outlives the pod')
  })

  test('configMap: keys as files, through links that are replaced at once; read-only', () => {
    const map = configMap(
      'cm',
      { 'a.conf': 'A', 'b.conf': 'B' },
      { binaryData: { bin: Buffer.from([0, 255]).toString('base64') } },
    )
    const items = [{ key: 'b.conf', path: 'etc/deep/b', mode: 0o400 }]
    kube.play(
      'cm',
      map,
      pod('cm', {
        container: {
          volumeMounts: [
            { name: 'all', mountPath: '/all' },
            { name: 'some', mountPath: '/some' },
            { name: 'none', mountPath: '/none' },
          ],
        },
        spec: {
          volumes: [
            { name: 'all', configMap: { name: 'cm', defaultMode: 0o440 } },
            { name: 'some', configMap: { name: 'cm', items } },
            { name: 'none', configMap: { name: 'absent', optional: true } },
          ],
        },
      }),
    )
    assert.equal(kube.sh('cm', 'ls /all'), 'a.conf\nb.conf\nbin')
    assert.equal(
      kube.sh('cm', 'readlink /all/a.conf; cat /all/a.conf /all/b.conf; od -An -tx1 /all/bin'),
      '..data/a.conf\nAB 00 ff',
    )
    assert.match(kube.sh('cm', 'readlink /all/..data'), /^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\w+$/)
    assert.equal(
      kube.sh('cm', 'stat -Lc %a /all/a.conf /some/etc/deep/b; cat /some/etc/deep/b; ls /some /none'),
      '440\n400\nB/none:\n\n/some:\netc',
    )
    assert.match(kube.run('exec', '-q', 'cm', '--', 'sh', '-c', 'echo x > /all/new').stderr, /Read-only file system/)
    kube.down('cm')
  })

  test('places of mounts are no part of what the container writes', () => {
    const volumeMounts = [
      { name: 'v', mountPath: '/deep/er/place' },
      { name: 'scratch', mountPath: '/deep/other' },
      { name: 'v', mountPath: '/etc/extra' },
    ]
    kube.play(
      'places',
      configMap('words', { key: 'word' }),
      pod('places', {
        container: { volumeMounts, securityContext: { runAsUser: 1000 } },
        spec: {
          volumes: [
            { name: 'v', configMap: { name: 'words' } },
            { name: 'scratch', emptyDir: {} },
          ],
        },
      }),
    )
    assert.equal(kube.sh('places', 'cat /deep/er/place/key /etc/extra/key; touch /deep/other/x'), 'wordword')
    assert.equal(kube.sh('places', 'stat -c %A /deep /deep/er; ls /deep'), 'drwxr-xr-x\ndrwxr-xr-x\ner\nother')
    const { uid } = kube.get('pod', 'places').metadata
    assert.deepEqual(readdirSync(`${kube.root}/pods/${uid}/rootfs/main/upper`), ['etc'])
    kube.down('places')
  })

  test('secret: on memory, readable by those it is for', () => {
    const sec = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'sec' },
      data: { a: 'aGk=' },
      stringData: { b: 'text' },
    }
    kube.play('sec', sec, withVolume('sec', { secret: { secretName: 'sec', defaultMode: 0o400 } }))
    assert.equal(kube.sh('sec', 'cat /v/a /v/b; stat -Lc " %a %u" /v/a'), 'hitext 400 0')
    assert.match(kube.sh('sec', 'mount | grep " /v "'), /^tmpfs on \/v type tmpfs \(ro/)
    const { uid } = kube.get('pod', 'sec').metadata
    const volume = `${kube.root}/pods/${uid}/files/v`
    assert.equal(withMountsOf(kube, uid, ['findmnt', '-no', 'FSTYPE', '--target', volume]).trim(), 'tmpfs')
    // Nothing of it is on the machine's own disk.
    assert.equal(existsSync(volume), false)
    kube.down('sec')
    assert.equal(existsSync(pinOf(kube, uid)), false)
  })

  test('downwardAPI: fields and resources of the pod', () => {
    const items = [
      { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'note', fieldRef: { fieldPath: "metadata.annotations['note']" } },
      { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } },
      { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
      { path: 'memory', resourceFieldRef: { containerName: 'main', resource: 'requests.memory', divisor: '1Ki' } },
      { path: 'disk', resourceFieldRef: { containerName: 'main', resource: 'limits.ephemeral-storage' } },
    ]
    kube.play(
      'down',
      pod('down', {
        labels: { app: 'x', tier: 'y' },
        annotations: { note: 'two\nlines' },
        container: {
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
          resources: { limits: { cpu: '250m', memory: '64Mi' }, requests: { memory: '32Mi' } },
        },
        spec: { volumes: [{ name: 'v', downwardAPI: { items } }] },
      }),
    )
    const { uid } = kube.get('pod', 'down').metadata
    assert.equal(
      kube.sh('down', 'cd /v; cat name; echo; cat labels; echo; cat note; echo; cat uid'),
      `down\napp="x"\ntier="y"\ntwo\nlines\n${uid}`,
    )
    assert.equal(kube.sh('down', 'cd /v; cat cpu; echo; cat memory'), '250\n32768')
    assert.ok(Number(kube.sh('down', 'cat /v/disk')) > 2 ** 20)
    kube.down('down')
  })

  test("projected: a cluster's own volume for its API, with a signed token and the certificate", () => {
    const sources = [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607, audience: 'api' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ]
    kube.play('api', withVolume('api', { projected: { sources } }, {}, { serviceAccountName: 'robot' }))
    assert.equal(kube.sh('api', 'cat /v/namespace; stat -Lc " %a" /v/token'), 'default 644')
    assert.match(kube.sh('api', 'cat /v/ca.crt'), /^-----BEGIN CERTIFICATE-----/)
    const [header, claims, signature] = kube
      .sh('api', 'cat /v/token')
      .split('.')
      .map(part => Buffer.from(part, 'base64url'))
    assert.equal(JSON.parse(String(header)).alg, 'ES256')
    assert.equal(signature?.length, 64)
    const told = JSON.parse(String(claims))
    assert.equal(told.sub, 'system:serviceaccount:default:robot')
    assert.deepEqual(told.aud, ['api'])
    assert.equal(told.exp - told.iat, 3607)
    assert.equal(told['kubernetes.io'].pod.uid, kube.get('pod', 'api').metadata.uid)
    assert.equal(mode(`${kube.root}/authority/key.pem`), '600')
    kube.down('api')
  })

  test('persistentVolumeClaim: outlives its pods, is seen by two of them, can be read-only', () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }
    const source = { persistentVolumeClaim: { claimName: 'data' } }
    kube.play(
      'claim',
      claim,
      withVolume('one', source),
      withVolume('two', { persistentVolumeClaim: { claimName: 'data', readOnly: true } }),
    )
    kube.sh('one', 'echo kept > /v/file')
    assert.equal(kube.sh('two', 'cat /v/file'), 'kept')
    assert.match(kube.run('exec', '-q', 'two', '--', 'touch', '/v/x').stderr, /Read-only file system/)
    kube.down('claim')
    assert.equal(readFileSync(`${kube.root}/volumes/default/data/file`, 'utf8'), 'kept\n')
    kube.play('claim', claim, withVolume('one', source))
    assert.equal(kube.sh('one', 'cat /v/file'), 'kept')
    kube.down('claim')
  })

  test('a claim grows under its running pod; it neither shrinks nor changes', () => {
    const claim = (storage: string, accessMode = 'ReadWriteOnce') => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'growing' },
      spec: { accessModes: [accessMode], resources: { requests: { storage } } },
    })
    const user = withVolume('grower', { persistentVolumeClaim: { claimName: 'growing' } })
    kube.play('grow', claim('1Mi'), user)
    const { uid } = kube.get('pod', 'grower').metadata
    assert.match(
      kube.play('grow', claim('2Mi'), user),
      /persistentvolumeclaim\/growing configured\npod\/grower unchanged/,
    )
    assert.equal(kube.get('pod', 'grower').metadata.uid, uid)
    assert.equal(kube.get('pvc', 'growing').status.capacity?.storage, '2Mi')
    assert.match(kube.playFails('grow', claim('1Mi'), user), /field can not be less than status[.]capacity/)
    assert.match(kube.playFails('grow', claim('2Mi', 'ReadWriteMany'), user), /spec: Forbidden: spec is immutable/)
    kube.down('grow')
    kube.ok('volume', 'rm', 'growing')
  })

  test('ReadWriteOncePod: one pod at a time', () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'single' },
      spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage: '1Mi' } } },
    }
    const source = { persistentVolumeClaim: { claimName: 'single' } }
    kube.play('single', claim, withVolume('one', source))
    assert.match(
      kube.playFails('other', withVolume('two', source)),
      /"single" is ReadWriteOncePod and in use by pod one/,
    )
    kube.down('single')
    assert.match(
      kube.playFails('both', claim, withVolume('one', source), withVolume('two', source)),
      /in use by pod one/,
    )
  })

  test('a claim bound to a PersistentVolume has its path', () => {
    mkdirSync(`${kube.directory}/pv`)
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'pv' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: `${kube.directory}/pv` },
      },
    }
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'bound' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        volumeName: 'pv',
        storageClassName: '',
        resources: { requests: { storage: '1Gi' } },
      },
    }
    kube.play('bound', volume, claim, withVolume('bound', { persistentVolumeClaim: { claimName: 'bound' } }))
    kube.sh('bound', 'echo x > /v/file')
    assert.equal(readFileSync(`${kube.directory}/pv/file`, 'utf8'), 'x\n')
    kube.down('bound')
  })

  test("ephemeral: a claim of the pod's own, gone with it", () => {
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } }
    kube.play('own', withVolume('own', { ephemeral: { volumeClaimTemplate: { spec } } }))
    kube.sh('own', 'echo x > /v/file')
    const { uid } = kube.get('pod', 'own').metadata
    assert.equal(existsSync(`${kube.root}/pods/${uid}/volumes/v/file`), true)
    kube.down('own')
    assert.equal(existsSync(`${kube.root}/pods/${uid}`), false)
  })

  test('image: the files of another image, neither writable nor executable', () => {
    kube.play('image', withVolume('image', { image: { reference: 'localhost/busybox:test', pullPolicy: 'Never' } }))
    assert.match(kube.sh('image', 'cat /v/www/index.html'), /It works/)
    assert.match(kube.run('exec', '-q', 'image', '--', 'touch', '/v/x').stderr, /Read-only file system/)
    assert.equal(kube.run('exec', '-q', 'image', '--', '/v/bin/busybox', 'true').status, 126)
    kube.down('image')
    const missing = withVolume('image', { image: { reference: 'localhost/absent:1', pullPolicy: 'Never' } })
    assert.match(kube.playFails('image', missing), /image localhost\/absent:1 is not present/)
  })

  test('volumeDevices: a block device at the given path', t => {
    const disk = kube.file('disk', Buffer.alloc(1 << 20, 'k'))
    let device: string
    try {
      device = execFileSync('losetup', ['--find', '--show', disk], { encoding: 'utf8' }).trim()
    } catch {
      return t.skip('no loop device here')
    }
    try {
      const volume = {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'disk' },
        spec: {
          capacity: { storage: '1Mi' },
          accessModes: ['ReadWriteOnce'],
          volumeMode: 'Block',
          local: { path: device },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['here'] }] },
              ],
            },
          },
        },
      }
      const claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'disk' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          volumeMode: 'Block',
          volumeName: 'disk',
          storageClassName: '',
          resources: { requests: { storage: '1Mi' } },
        },
      }
      kube.play(
        'disk',
        volume,
        claim,
        pod('disk', {
          container: { volumeDevices: [{ name: 'd', devicePath: '/dev/disk0' }] },
          spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'disk' } }] },
        }),
      )
      assert.equal(kube.sh('disk', 'head -c 3 /dev/disk0; test -b /dev/disk0 && echo block'), 'kkkblock')
      kube.down('disk')
    } finally {
      execFileSync('losetup', ['--detach', device])
    }
  })

  test('readOnly keeps what is mounted below writable, recursiveReadOnly does not', () => {
    const top = `${kube.directory}/tree`
    mkdirSync(`${top}/below`, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'below', `${top}/below`])
    try {
      const mounts = [
        { name: 'v', mountPath: '/ro', readOnly: true },
        { name: 'v', mountPath: '/rro', readOnly: true, recursiveReadOnly: 'Enabled' },
        { name: 'v', mountPath: '/rw' },
      ]
      kube.play(
        'ro',
        pod('ro', { container: { volumeMounts: mounts }, spec: { volumes: [{ name: 'v', hostPath: { path: top } }] } }),
      )
      const can = (path: string) => kube.run('exec', '-q', 'ro', '--', 'touch', path).status === 0
      assert.deepEqual(['/rw/a', '/ro/a', '/ro/below/a', '/rro/a', '/rro/below/a'].map(can), [
        true,
        false,
        true,
        false,
        false,
      ])
      kube.down('ro')
    } finally {
      execFileSync('umount', [`${top}/below`])
    }
  })

  test('mountPropagation: mounts made later are seen from the machine, and the other way round', () => {
    const top = `${kube.directory}/shared`
    mkdirSync(`${top}/late`, { recursive: true })
    execFileSync('mount', ['--bind', top, top])
    execFileSync('mount', ['--make-shared', top])
    try {
      const privileged = { securityContext: { privileged: true } }
      const mounted = (name: string, mountPropagation: string, more: object = {}) =>
        pod(name, {
          container: { volumeMounts: [{ name: 'v', mountPath: '/v', mountPropagation }], ...more },
          spec: { volumes: [{ name: 'v', hostPath: { path: top } }] },
        })
      kube.play(
        'prop',
        mounted('down', 'HostToContainer'),
        mounted('both', 'Bidirectional', privileged),
        mounted('none', 'None'),
      )
      execFileSync('mount', ['-t', 'tmpfs', 'late', `${top}/late`])
      writeFileSync(`${top}/late/file`, '')
      const sees = (name: string, path: string) => kube.run('exec', '-q', name, '--', 'test', '-e', path).status === 0
      assert.deepEqual(
        ['down', 'both', 'none'].map(name => sees(name, '/v/late/file')),
        [true, true, false],
      )
      kube.sh('both', 'mkdir /v/up && mount -t tmpfs up /v/up && touch /v/up/file')
      assert.equal(existsSync(`${top}/up/file`), true)
      assert.equal(sees('down', '/v/up/file'), true)
      kube.down('prop')
    } finally {
      execFileSync('umount', ['--recursive', top])
    }
  })

  test('HostToContainer on a mount that is private works, and says what it cannot do', () => {
    const top = `${kube.directory}/alone`
    mkdirSync(top)
    execFileSync('mount', ['-t', 'tmpfs', 'alone', top])
    execFileSync('mount', ['--make-private', top])
    try {
      const volume = withVolume('alone', { hostPath: { path: top } }, { mountPropagation: 'HostToContainer' })
      const { status, stderr } = kube.run('play', '--app', 'alone', kube.manifest([volume]))
      assert.equal(status, 0)
      assert.match(stderr, /warning: pod alone: volume v: .* is on a private mount/)
      kube.down('alone')
    } finally {
      execFileSync('umount', [top])
    }
  })

  test('Bidirectional on a mount that is not shared is an error', () => {
    const top = `${kube.directory}/private`
    mkdirSync(top)
    execFileSync('mount', ['-t', 'tmpfs', 'private', top])
    execFileSync('mount', ['--make-private', top])
    try {
      const mount = { mountPropagation: 'Bidirectional' }
      const privileged = { securityContext: { privileged: true } }
      const said = kube.playFails('private', withVolume('private', { hostPath: { path: top } }, mount, {}, privileged))
      assert.match(said, /is not a shared mount/)
    } finally {
      execFileSync('umount', [top])
    }
  })

  test('fsGroup: files of the volume belong to the group, whoever wrote them', () => {
    const main = { securityContext: { runAsUser: 1000 } }
    const security = { securityContext: { fsGroup: 4321, supplementalGroups: [77] } }
    kube.play(
      'group',
      configMap('cm', { a: 'x' }),
      pod('group', {
        container: {
          volumeMounts: [
            { name: 'e', mountPath: '/e' },
            { name: 'm', mountPath: '/m' },
            { name: 'c', mountPath: '/c' },
          ],
          ...main,
        },
        spec: {
          volumes: [
            { name: 'e', emptyDir: {} },
            { name: 'm', emptyDir: { medium: 'Memory' } },
            { name: 'c', configMap: { name: 'cm', defaultMode: 0o400 } },
          ],
          ...security,
        },
      }),
    )
    assert.equal(kube.sh('group', 'stat -Lc "%a %g" /e /m /c/a'), '2777 4321\n2777 4321\n440 4321')
    assert.equal(kube.sh('group', 'stat -Lc "%a %g" /c /c/..data'), '2777 4321\n2755 4321')
    assert.equal(kube.sh('group', 'cat /c/a; touch /e/f; stat -c " %u %g" /e/f'), 'x 1000 4321')
    assert.equal(kube.sh('group', 'id -G'), '0 77 4321')
    kube.down('group')
  })

  test('fsGroupChangePolicy: OnRootMismatch leaves a volume that fits', () => {
    const claim = { persistentVolumeClaim: { claimName: 'owned' } }
    const spec = (fsGroupChangePolicy: string) => ({ securityContext: { fsGroup: 555, fsGroupChangePolicy } })
    const file = `${kube.root}/volumes/default/owned/file`
    kube.play('owned', withVolume('owned', claim, {}, spec('OnRootMismatch')))
    kube.down('owned')
    writeFileSync(file, 'x')
    assert.equal(statSync(file).gid, 555, 'the directory hands its group on')
    execFileSync('chgrp', ['0', file])
    kube.play('owned', withVolume('owned', claim, {}, spec('OnRootMismatch')))
    assert.equal(statSync(file).gid, 0)
    kube.down('owned')
    kube.play('owned', withVolume('owned', claim, {}, spec('Always')))
    assert.equal(statSync(file).gid, 555)
    assert.equal(mode(file), '664')
    kube.down('owned')
  })

  test('subPath: a file, a directory, one that is made; expanded from variables', () => {
    const env = [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]
    const volumeMounts = [
      { name: 'v', mountPath: '/made', subPath: 'new/deep' },
      { name: 'v', mountPath: '/expr', subPathExpr: 'logs/$(POD)' },
      { name: 'c', mountPath: '/etc/one.conf', subPath: 'one.conf' },
    ]
    kube.play(
      'sub',
      configMap('cm', { 'one.conf': '1', 'two.conf': '2' }),
      pod('sub', {
        container: { volumeMounts, env },
        spec: {
          volumes: [
            { name: 'v', emptyDir: {} },
            { name: 'c', configMap: { name: 'cm' } },
          ],
        },
      }),
    )
    assert.equal(kube.sh('sub', 'touch /made/a /expr/b; cat /etc/one.conf; ls /etc | grep -c conf$'), '12')
    const { uid } = kube.get('pod', 'sub').metadata
    const volume = `${kube.root}/pods/${uid}/volumes/v`
    assert.deepEqual(readdirSync(volume, { recursive: true }).sort(), [
      'logs',
      'logs/sub',
      'logs/sub/b',
      'new',
      'new/deep',
      'new/deep/a',
    ])
    kube.down('sub')
    assert.equal(existsSync(`${kube.root}/pods/${uid}`), false)
  })

  test('a subPath that is made is as open as its volume', () => {
    const mounts = { volumeMounts: [{ name: 'v', mountPath: '/made', subPath: 'new/deep' }] }
    const securityContext = { runAsUser: 1000 }
    const volumes = [{ name: 'v', emptyDir: {} }]
    kube.play(
      'open',
      pod('open', { container: mounts, spec: { volumes, securityContext } }),
      pod('group', { container: mounts, spec: { volumes, securityContext: { ...securityContext, fsGroup: 4321 } } }),
    )
    const look = 'touch /made/a && stat -c "%a %u %g" /made /made/a'
    assert.equal(kube.sh('open', look), '777 0 0\n644 1000 0')
    assert.equal(kube.sh('group', look), '2777 0 4321\n644 1000 4321')
    const { uid } = kube.get('pod', 'open').metadata
    assert.equal(mode(`${kube.root}/pods/${uid}/volumes/v/new`), '777')
    kube.down('open')
  })

  test('a container that is started again has its subPath anew, and the volume as it left it', async () => {
    const script =
      'cat /one >> /v/log; test -e /v/again && exec sleep 1000; until test -e /v/go; do sleep 0.1; done; touch /v/again'
    const volumeMounts = [
      { name: 'v', mountPath: '/v' },
      { name: 'c', mountPath: '/one', subPath: 'a' },
    ]
    const again = pod('again', {
      container: { command: ['sh', '-c', script], volumeMounts },
      spec: {
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'c', configMap: { name: 'cm' } },
        ],
      },
    })
    kube.play('again', configMap('cm', { a: 'first ' }), again)
    const { uid } = kube.get('pod', 'again').metadata
    kube.play('again', configMap('cm', { a: 'second ' }), again)
    writeFileSync(`${kube.root}/pods/${uid}/volumes/v/go`, '')
    const log = () => readFileSync(`${kube.root}/pods/${uid}/volumes/v/log`, 'utf8')
    await eventually(() => assert.match(log(), /second/))
    assert.equal(log(), 'first second ')
    assert.equal(kube.get('pod', 'again').metadata.uid, uid)
    kube.down('again')
  })

  test('a subPath that leads out of its volume is refused, however it does', () => {
    const outside = `${kube.directory}/outside`
    const inside = `${kube.directory}/inside`
    mkdirSync(outside)
    writeFileSync(`${outside}/secret`, 'secret')
    mkdirSync(`${inside}/real`, { recursive: true })
    symlinkSync(outside, `${inside}/absolute`)
    symlinkSync('../outside', `${inside}/upwards`)
    symlinkSync('/proc/self/root', `${inside}/magic`)
    symlinkSync('/proc/1/root', `${inside}/init`)
    symlinkSync('real', `${inside}/within`)
    symlinkSync(`${outside}/not-there`, `${inside}/dangling`)
    const host = { hostPath: { path: inside } }
    const subPaths = [
      'absolute',
      'absolute/secret',
      'upwards',
      'upwards/new',
      'magic',
      'init/etc',
      'dangling',
      'dangling/x',
    ]
    for (const subPath of subPaths) {
      const said = kube.playFails('escape', withVolume('escape', host, { subPath }))
      assert.match(said, /leads out of the volume|failed to prepare subPath/, subPath)
    }
    assert.match(
      kube.playFails('escape', withVolume('escape', host, { subPath: '../outside' })),
      /must not contain '\.\.'/,
    )
    const env = [{ name: 'UP', value: '..' }]
    assert.match(
      kube.playFails('escape', withVolume('escape', host, { subPathExpr: '$(UP)/outside' }, {}, { env })),
      /must not contain '\.\.'/,
    )
    assert.deepEqual(readdirSync(outside), ['secret'], 'nothing was made there')
    kube.play('escape', withVolume('escape', host, { subPath: 'within' }))
    kube.sh('escape', 'touch /v/here')
    assert.deepEqual(readdirSync(`${inside}/real`), ['here'])
    kube.down('escape')
  })

  test('a link that a container puts in the place of a subPath leads nowhere but into the volume', () => {
    // The init container has the volume to itself before the next one's subPath is looked at.
    const attack = 'rm -rf /v/target; ln -s / /v/target'
    const volumeMounts = [{ name: 'v', mountPath: '/v' }]
    const said = kube.playFails(
      'swap',
      pod('swap', {
        container: { volumeMounts: [{ name: 'v', mountPath: '/m', subPath: 'target' }] },
        spec: {
          volumes: [{ name: 'v', emptyDir: {} }],
          initContainers: [container('attack', { command: ['sh', '-c', attack], volumeMounts })],
        },
      }),
    )
    assert.match(said, /leads out of the volume/)
  })

  test('a link swapped all the while never shows the machine', () => {
    // One container keeps exchanging a directory for a link to the machine's root; others mount it meanwhile.
    const swap = 'mkdir -p /v/a; while :; do mv /v/t /v/x 2>/dev/null; ln -s / /v/t; rm -f /v/t; mkdir -p /v/t; done'
    mkdirSync(`${kube.directory}/race/t`, { recursive: true })
    const race = { hostPath: { path: `${kube.directory}/race` } }
    kube.play('racer', withVolume('racer', race, {}, {}, { command: ['sh', '-c', swap] }))
    for (let i = 0; i < 6; i++) {
      const { status } = kube.run(
        'play',
        '--app',
        'victim',
        kube.manifest([withVolume('victim', race, { subPath: 't' })]),
      )
      if (status !== 0) continue
      assert.equal(kube.run('exec', '-q', 'victim', '--', 'test', '-e', '/v/proc/1').status, 1)
      kube.down('victim')
    }
    kube.down('racer')
    rmSync(`${kube.directory}/race`, { recursive: true, force: true })
  })

  test('fileKeyRef: variables from a file that an init container wrote', () => {
    const volumeMounts = [{ name: 'v', mountPath: '/v' }]
    const ref = (key: string, more: object = {}) => ({
      valueFrom: { fileKeyRef: { volumeName: 'v', path: 'env', key, ...more } },
    })
    kube.play(
      'envfile',
      pod('envfile', {
        container: {
          env: [
            { name: 'A', ...ref('A') },
            { name: 'C', ...ref('C', { optional: true }) },
          ],
        },
        spec: {
          volumes: [{ name: 'v', emptyDir: {} }],
          initContainers: [
            container('write', { command: ['sh', '-c', `printf "A='hello'\\nB='2'\\n" > /v/env`], volumeMounts }),
          ],
        },
      }),
    )
    assert.equal(kube.sh('envfile', 'echo "$A; $B; $C"'), 'hello; ; ')
    kube.down('envfile')
  })
})
