/** Security contexts as containers feel them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'
import { container, pod } from '../support/objects.ts'

/** Capability sets by name, as /proc/PID/status has them. Source: linux/capability.h. */
const BITS = { CHOWN: 0n, KILL: 5n, NET_BIND_SERVICE: 10n, NET_ADMIN: 12n, SYS_ADMIN: 21n, SYS_TIME: 25n } as const

const appArmor = (() => {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y')
  } catch {
    return false
  }
})()

describe('security', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  /** Plays a pod whose container has this security context, and looks at it. */
  function withContext(
    name: string,
    securityContext: object,
    look: () => void,
    spec: object = {},
    main: object = {},
  ): void {
    kube.play(name, pod(name, { container: { securityContext, ...main }, spec }))
    try {
      look()
    } finally {
      kube.down(name)
    }
  }
  const status = (name: string, field: string) =>
    kube.sh(name, `grep ^${field}: /proc/1/status`).split('\t').slice(1).join(' ')
  const has = (name: string, capability: keyof typeof BITS, set = 'CapEff') =>
    ((BigInt(`0x${status(name, set)}`) >> BITS[capability]) & 1n) === 1n

  test('runAsUser, runAsGroup, supplementalGroups; the container over the pod', () => {
    const spec = { securityContext: { runAsUser: 1000, runAsGroup: 2000, supplementalGroups: [3000] } }
    kube.play(
      'ids',
      pod('ids', {
        spec: { ...spec, containers: [container('pod'), container('own', { securityContext: { runAsUser: 33 } })] },
      }),
    )
    assert.equal(kube.sh('ids', 'id -u; id -g; id -G', 'pod'), '1000\n2000\n2000 3000')
    // www-data is a member of the group users in the image.
    assert.equal(kube.sh('ids', 'id -u; id -g; id -G', 'own'), '33\n2000\n2000 100 3000')
    assert.equal(status('ids', 'Uid'), '1000 1000 1000 1000')
    kube.down('ids')
  })

  test('supplementalGroupsPolicy: Strict leaves out the groups of the image', () => {
    const spec = { securityContext: { runAsUser: 33, supplementalGroups: [3000], supplementalGroupsPolicy: 'Strict' } }
    withContext('strict', {}, () => assert.equal(kube.sh('strict', 'id -G'), '33 3000'), spec)
  })

  test("runAsNonRoot, in the kubelet's words", () => {
    const said = kube.playFails('nonroot', pod('nonroot', { container: { securityContext: { runAsNonRoot: true } } }))
    assert.match(
      said,
      /container has runAsNonRoot and image will run as root \(pod: "nonroot_default", container: main\)/,
    )
    const zero = pod('nonroot', { container: { securityContext: { runAsNonRoot: true, runAsUser: 0 } } })
    assert.match(
      kube.playFails('nonroot', zero),
      /container's runAsUser breaks non-root policy|must not be set to 0|Invalid value/,
    )
    withContext('nonroot', { runAsNonRoot: true, runAsUser: 1000 }, () =>
      assert.equal(kube.sh('nonroot', 'id -u'), '1000'),
    )
  })

  test('readOnlyRootFilesystem: only volumes can be written', () => {
    const main = { volumeMounts: [{ name: 'v', mountPath: '/v' }] }
    const spec = { volumes: [{ name: 'v', emptyDir: {} }] }
    withContext(
      'rofs',
      { readOnlyRootFilesystem: true },
      () => {
        assert.match(kube.run('exec', '-q', 'rofs', '--', 'touch', '/x').stderr, /Read-only file system/)
        assert.match(kube.run('exec', '-q', 'rofs', '--', 'touch', '/etc/hosts').stderr, /Read-only file system/)
        kube.sh('rofs', 'touch /v/x /dev/shm/x')
        // What tells why it ended must be writable for every container.
        kube.sh('rofs', 'echo why > /dev/termination-log')
      },
      spec,
      main,
    )
  })

  test('capabilities: the usual set, added, dropped', () => {
    const withIt = (name: string, securityContext: object) => pod(name, { container: { securityContext } })
    kube.play(
      'capabilities',
      withIt('usual', {}),
      withIt('added', { capabilities: { add: ['NET_ADMIN'], drop: ['CHOWN'] } }),
      withIt('none', { capabilities: { drop: ['ALL'] } }),
      withIt('user', { runAsUser: 1000 }),
    )
    assert.deepEqual(
      [has('usual', 'CHOWN'), has('usual', 'NET_ADMIN'), has('usual', 'SYS_ADMIN')],
      [true, false, false],
    )
    assert.deepEqual([has('added', 'CHOWN'), has('added', 'NET_ADMIN')], [false, true])
    kube.sh('added', 'ip link add dummy0 type dummy || ip addr add 10.1.1.1/32 dev lo')
    assert.equal(kube.run('exec', '-q', 'added', '--', 'chown', '1000', '/tmp').status, 1)
    assert.equal(status('none', 'CapBnd'), '0000000000000000')
    assert.equal(status('user', 'CapEff'), '0000000000000000')
    assert.equal(has('user', 'CHOWN', 'CapBnd'), true)
    kube.down('capabilities')
  })

  test('allowPrivilegeEscalation: false sets no_new_privs', () => {
    withContext('nnp', { allowPrivilegeEscalation: false }, () => assert.equal(status('nnp', 'NoNewPrivs'), '1'))
    withContext('may', {}, () => assert.equal(status('may', 'NoNewPrivs'), '0'))
  })

  test("privileged: the machine's devices, all capabilities, no filter, a writable /sys", () => {
    withContext('priv', { privileged: true }, () => {
      assert.equal(status('priv', 'Seccomp'), '0')
      assert.equal(has('priv', 'SYS_ADMIN'), true)
      kube.sh('priv', 'mount -t tmpfs x /mnt && touch /mnt/x && umount /mnt')
      assert.match(kube.sh('priv', 'mount | grep "on /sys type sysfs"'), /\(rw/)
      kube.sh('priv', 'test -c /dev/kmsg || test -b /dev/loop0')
    })
    withContext('plain', {}, () => {
      assert.match(kube.sh('plain', 'mount | grep "on /sys type sysfs"'), /\(ro/)
      assert.notEqual(kube.run('exec', '-q', 'plain', '--', 'mount', '-t', 'tmpfs', 'x', '/mnt').status, 0)
      assert.equal(kube.sh('plain', 'ls /dev | grep -c loop || true'), '0')
    })
  })

  test('seccompProfile: RuntimeDefault filters, Unconfined does not, Localhost reads the profile', () => {
    withContext('default', { seccompProfile: { type: 'RuntimeDefault' } }, () => {
      assert.equal(status('default', 'Seccomp'), '2')
      assert.match(kube.sh('default', 'grep ^Seccomp: /proc/self/status'), /2$/, 'a command of exec, too')
    })
    withContext('unconfined', { seccompProfile: { type: 'Unconfined' } }, () =>
      assert.equal(status('unconfined', 'Seccomp'), '0'),
    )
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
    }
    mkdirSync(`${kube.directory}/seccomp`)
    kube.file('seccomp/no-mkdir.json', JSON.stringify(profile))
    const local = (localhostProfile: string) =>
      kube.manifest([
        pod('local', { container: { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile } } } }),
      ])
    const root = ['--seccomp-profile-root', `${kube.directory}/seccomp`]
    kube.ok('play', '--app', 'local', ...root, local('no-mkdir.json'))
    assert.match(kube.run('exec', '-q', 'local', '--', 'mkdir', '/x').stderr, /Operation not permitted/)
    kube.sh('local', 'touch /y')
    kube.down('local')
    assert.match(
      kube.run('play', '--app', 'local', ...root, local('absent.json')).stderr,
      /seccomp profile .*absent\.json does not exist/,
    )
  })

  test('appArmorProfile: what the machine cannot do is an error, what asks for nothing is not', t => {
    if (appArmor) return t.skip('AppArmor is on here')
    withContext('armor', { appArmorProfile: { type: 'RuntimeDefault' } }, () => {})
    const local = pod('armor', {
      container: { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } } },
    })
    assert.match(kube.playFails('armor', local), /Cannot enforce AppArmor: AppArmor is not enabled on the host/)
  })

  test('appArmorProfile: the default one, none, one that is loaded, and one that is not', t => {
    if (!appArmor) return t.skip('AppArmor is off here')
    const label = (name: string) => kube.sh(name, 'cat /proc/1/attr/current; cat /proc/self/attr/current')
    const confined = 'kube-default (enforce)'
    const capabilities = { add: ['SYS_ADMIN'] }
    withContext('given', { capabilities }, () => {
      assert.equal(label('given'), `${confined}\n${confined}`)
      assert.match(
        kube.run('exec', '-q', 'given', '--', 'mount', '-t', 'tmpfs', 'x', '/mnt').stderr,
        /[Pp]ermission denied/,
      )
    })
    withContext('none', { capabilities, appArmorProfile: { type: 'Unconfined' } }, () => {
      assert.equal(label('none'), 'unconfined\nunconfined')
      kube.sh('none', 'mkdir /m && mount -t tmpfs x /m')
    })
    withContext('privileged', { privileged: true }, () => assert.equal(label('privileged'), 'unconfined\nunconfined'))
    const local = (localhostProfile: string) => ({ appArmorProfile: { type: 'Localhost', localhostProfile } })
    withContext('local', local('kube-default'), () => assert.equal(label('local'), `${confined}\n${confined}`))
    const absent = pod('absent', { container: { securityContext: local('no-such-profile') } })
    assert.match(kube.playFails('absent', absent), /AppArmor profile that its manifest names is not loaded/)
  })

  test('procMount: what is hidden by default, and what Unmasked shows', () => {
    withContext('masked', {}, () => {
      assert.match(kube.sh('masked', 'mount | grep -c " /proc/"'), /^[1-9]/)
      assert.match(
        kube.run('exec', '-q', 'masked', '--', 'sh', '-c', 'echo 1 > /proc/sys/kernel/domainname').stderr,
        /Read-only/,
      )
    })
    const spec = { hostUsers: false }
    withContext(
      'unmasked',
      { procMount: 'Unmasked' },
      () => {
        assert.equal(kube.sh('unmasked', 'mount | grep -c " /proc/" || true'), '0')
      },
      spec,
    )
  })

  test('sysctls of the pod, and those of the whole machine refused', () => {
    const spec = (name: string, value: string) => ({ securityContext: { sysctls: [{ name, value }] } })
    withContext(
      'sysctl',
      {},
      () => assert.equal(kube.sh('sysctl', 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start'), '80'),
      spec('net.ipv4.ip_unprivileged_port_start', '80'),
    )
    withContext(
      'shm',
      {},
      () => assert.equal(kube.sh('shm', 'cat /proc/sys/kernel/shmmni'), '123'),
      spec('kernel/shmmni', '123'),
    )
    assert.match(kube.playFails('vm', pod('vm', { spec: spec('vm.swappiness', '1') })), /belongs to the whole machine/)
  })

  test('hostUsers: false: root in the container is nobody on the machine', () => {
    const main = {
      volumeMounts: [
        { name: 'v', mountPath: '/v' },
        { name: 'h', mountPath: '/h' },
        { name: 'i', mountPath: '/i' },
        { name: 'm', mountPath: '/m' },
        { name: 'v', mountPath: '/part', subPath: 'made/deep' },
        { name: 'i', mountPath: '/page', subPath: 'www/index.html' },
      ],
    }
    mkdirSync(`${kube.directory}/mapped`)
    const spec = {
      hostUsers: false,
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'i', image: { reference: IMAGE, pullPolicy: 'Never' } },
        { name: 'm', emptyDir: { medium: 'Memory' } },
        { name: 'h', hostPath: { path: `${kube.directory}/mapped` } },
      ],
    }
    withContext(
      'users',
      {},
      () => {
        const map = kube.sh('users', 'cat /proc/1/uid_map').trim().split(/\s+/).map(Number)
        assert.equal(map[0], 0)
        assert.ok(map[1]! >= 65536 && map[2] === 65536, String(map))
        assert.equal(
          kube.sh('users', 'id -u; stat -c %u / /bin/busybox /v /h /i/bin/busybox /m /etc/hosts'),
          '0\n0\n0\n0\n0\n0\n0\n0',
        )
        kube.sh('users', 'touch /part/x /v/x /h/x /x; cat /page; stat -c %u /v/x /h/x /x')
        assert.equal(kube.sh('users', 'stat -c %u /h/x'), '0')
        const { uid } = kube.get('pod', 'users').metadata
        const owner = readFileSync(`/proc/${kube.pidOf('users')}/status`, 'utf8')
        assert.match(owner, new RegExp(`^Uid:\\s+${map[1]}\\s`, 'm'))
        assert.ok(uid)
        // Whoever owns it may close it to everybody.
        kube.sh('users', 'chmod 600 /dev/null; chmod 666 /dev/null')
        assert.equal(execFileSync('stat', ['-c', '%u %g %a', '/dev/null'], { encoding: 'utf8' }), '0 0 666\n')
      },
      spec,
      main,
    )
  })
})
