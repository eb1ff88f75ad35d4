/** The specs that a plan comes to, run by the real OCI runtime and looked at from inside the container. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { prepareCgroups, removeCgroup } from '../../src/host/runtime/cgroups.ts'
import { openSeccompCache } from '../../src/host/runtime/seccomp-cache.ts'
import { readMachineFacts } from '../../src/host/sys/machine.ts'
import type { ImageDefaults, PodFacts } from '../../src/plan/facts.ts'
import { firstMember, planOf, podOf } from '../../src/plan/fixture.ts'
import { infraSpec, memberSpec } from '../../src/plan/oci-spec.ts'
import type { OciSpec } from '../../src/plan/oci-types.ts'
import { sandboxFiles } from '../../src/plan/sandbox-files.ts'
import { defaultSeccomp } from '../../src/plan/seccomp.ts'
import { resolveUser } from '../../src/plan/user.ts'
import { busyboxRootfs } from '../support/busybox-rootfs.ts'
import { lacking } from '../support/need.ts'

let dir = ''
let made = 0

/** Runs crun with its state in the test's own directory. */
function crun(...args: readonly string[]) {
  return spawnSync('crun', ['--root', join(dir, 'crun'), '--cgroup-manager=cgroupfs', ...args], { encoding: 'utf8' })
}

function must(...args: readonly string[]): void {
  // Nothing of what goes on running may hold a pipe of ours open.
  const result = spawnSync('crun', ['--root', join(dir, 'crun'), '--cgroup-manager=cgroupfs', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  assert.equal(result.status, 0)
}

function bundle(spec: OciSpec): string {
  const path = join(dir, `bundle${made++}`)
  mkdirSync(path)
  writeFileSync(join(path, 'config.json'), JSON.stringify(spec))
  return path
}

interface Ran {
  readonly status: number | null
  readonly output: string
  readonly infraPid: number
}

interface Run {
  readonly spec?: Partial<V1PodSpec>
  readonly image?: ImageDefaults
  readonly compiled?: boolean
}

/** Makes a pod of one container, waits for its end, takes it away. */
function run(script: string, container: Partial<V1Container> = {}, { spec, image, compiled }: Run = {}): Ran {
  const machine = readMachineFacts()
  const plan = planOf(podOf({ command: ['sh', '-c', script], ...container }, spec))
  const member = firstMember(plan)
  const id = `kube-test-${process.pid}-${made++}`
  const pod = join(dir, id)
  const volumePaths = Object.fromEntries(plan.volumes.map(({ name }) => [name, join(pod, 'volumes', name)]))
  for (const path of [join(pod, 'shm'), ...Object.values(volumePaths)]) mkdirSync(path, { recursive: true })
  const facts: PodFacts = {
    uid: id,
    createdAt: '2026-01-01T00:00:00Z',
    podIps: ['10.88.0.7'],
    sandboxDir: pod,
    cgroupPath: `/${id}`,
    volumePaths,
  }
  for (const [name, text] of Object.entries(sandboxFiles(plan, facts, machine))) writeFileSync(join(pod, name), text)
  writeFileSync(join(pod, 'termination'), '')
  const infra = { id: `${id}-infra`, rootfs: join(dir, 'infra'), catatonit: '/usr/bin/catatonit' }
  try {
    must('create', '--pid-file', join(pod, 'pid'), '-b', bundle(infraSpec(plan, machine, facts, infra)), infra.id)
    must('start', infra.id)
    const infraPid = Number(readFileSync(join(pod, 'pid'), 'utf8'))
    const defaults = image ?? { env: [] }
    const files = {
      passwd: readFileSync(join(dir, 'rootfs/etc/passwd'), 'utf8'),
      group: readFileSync(join(dir, 'rootfs/etc/group'), 'utf8'),
    }
    let member_ = memberSpec(
      plan,
      member,
      defaults,
      machine,
      { ...facts, infraProcess: `/proc/${infraPid}` },
      {
        id,
        rootfs: join(dir, 'rootfs'),
        user: resolveUser(plan, member, defaults, files),
        terminationLog: join(pod, 'termination'),
        attempt: 0,
      },
    )
    if (compiled) {
      member_ = openSeccompCache(join(dir, 'seccomp')).precompiled(member_)
      assert.equal(member_.linux.seccomp, undefined)
    }
    const result = crun('run', '-b', bundle(member_), id)
    return { status: result.status, output: `${result.stdout}${result.stderr}`, infraPid }
  } finally {
    crun('delete', '-f', infra.id)
    crun('delete', '-f', id)
    removeCgroup(`/${id}`)
  }
}

function lines(ran: Ran): readonly string[] {
  assert.equal(ran.status, 0, ran.output)
  return ran.output.trimEnd().split('\n')
}

describe('the OCI spec of a plan', { skip: lacking('crun', 'catatonit', 'busybox') }, () => {
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'kube-spec-'))
    prepareCgroups()
    mkdirSync(join(dir, 'infra/dev'), { recursive: true })
    writeFileSync(join(dir, 'infra/catatonit'), '', { mode: 0o755 })
    mkdirSync(join(dir, 'rootfs'))
    execFileSync('tar', ['-x', '-C', join(dir, 'rootfs')], { input: busyboxRootfs() })
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  test('environment, working directory and expanded arguments', () => {
    const container = {
      command: ['sh', '-c', 'echo "$0 $1 $A $IMAGE $HOME $HOSTNAME $IP $(pwd)"', '$(A)', '$$(A)'],
      env: [
        { name: 'A', value: 'a' },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
    }
    const image = { env: ['IMAGE=i'], workingDir: '/made/for/it' }
    assert.deepEqual(lines(run('', container, { image })), ['a $(A) a i /root web 10.88.0.7 /made/for/it'])
  })

  test('namespaces: those of the infra container, and its own', () => {
    // `$$$$` is `$$` to the shell: the kubelet's expansion comes first.
    const script = 'for n in net ipc uts pid mnt; do readlink /proc/self/ns/$n; done; hostname; echo $$$$'
    const inside = lines(run(script))
    assert.equal(inside.at(-2), 'web')
    assert.equal(inside.at(-1), '1')
    for (const [index, name] of ['net', 'ipc', 'uts', 'pid', 'mnt'].entries()) {
      assert.notEqual(inside[index], readlinkSync(`/proc/self/ns/${name}`))
    }
  })

  test('a shared pid namespace has catatonit first', () => {
    const inside = lines(run('cat /proc/1/comm; echo $$$$', {}, { spec: { shareProcessNamespace: true } }))
    assert.equal(inside[0], 'catatonit')
    assert.notEqual(inside[1], '1')
  })

  test("the machine's namespaces", () => {
    const script = 'for n in net ipc uts pid; do readlink /proc/self/ns/$n; done'
    const inside = lines(run(script, {}, { spec: { hostNetwork: true, hostIPC: true, hostPID: true } }))
    assert.deepEqual(
      inside,
      ['net', 'ipc', 'uts', 'pid'].map(name => readlinkSync(`/proc/self/ns/${name}`)),
    )
  })

  test('an ordinary container: capabilities, filter, masks', () => {
    const script = `
      grep -E "^(CapBnd|CapEff|CapAmb|NoNewPrivs|Seccomp):" /proc/self/status
      cat /proc/keys | wc -c
      echo 1 > /proc/sys/kernel/hostname && echo bad
      mount -t tmpfs none /mnt && echo bad
      mknod /dev/mem2 c 1 1 && echo bad
      touch /sys/x && echo bad
      true`
    const result = lines(run(script)).filter(line => !/(Permission|permitted|Read-only|denied)/.test(line))
    assert.deepEqual(
      result.map(line => line.replaceAll('\t', ' ')),
      [
        'CapEff: 00000000800405fb',
        'CapBnd: 00000000800405fb',
        'CapAmb: 0000000000000000',
        'NoNewPrivs: 0',
        'Seccomp: 2',
        '0',
      ],
    )
  })

  test('a compiled filter has the same effect', () => {
    const script = 'grep Seccomp: /proc/self/status; dmesg'
    const [plain, compiled] = [run(script), run(script, {}, { compiled: true })]
    assert.match(compiled.output, /Seccomp:\s+2/)
    assert.match(compiled.output, /not permitted/)
    assert.equal(compiled.output, plain.output)
  })

  test('a user without privileges', () => {
    const container = { securityContext: { runAsUser: 33, allowPrivilegeEscalation: false } }
    const spec = { securityContext: { supplementalGroups: [7], fsGroup: 8 } }
    const inside = lines(run('id; grep -E "^(CapEff|NoNewPrivs)" /proc/self/status; echo $HOME', container, { spec }))
    const [ids = '', ...rest] = inside
    assert.match(ids, /^uid=33\(www-data\) gid=33\(www-data\) groups=/)
    const groups = ids.split('groups=')[1]?.split(',')
    assert.deepEqual(groups?.toSorted(), ['100(users)', '33(www-data)', '7', '8'])
    assert.deepEqual(rest, ['CapEff:\t0000000000000000', 'NoNewPrivs:\t1', '/www'])
  })

  test('a read-only root still has writable volumes', () => {
    const container = {
      securityContext: { readOnlyRootFilesystem: true },
      volumeMounts: [
        { name: 'v', mountPath: '/data' },
        { name: 'v', mountPath: '/ro', readOnly: true },
      ],
    }
    const spec = { volumes: [{ name: 'v', emptyDir: {} }] }
    const script =
      'echo x > /data/f; cat /ro/f; touch /ro/g || touch /f || touch /etc/hosts || touch /etc/resolv.conf || echo none'
    const inside = lines(run(script, container, { spec }))
    assert.equal(inside[0], 'x')
    assert.ok(inside.includes('none'))
  })

  test('privileged: devices, no filter, writable /sys', () => {
    const script =
      'test -c /dev/kmsg && echo kmsg; grep Seccomp: /proc/self/status; mount -t tmpfs none /mnt && echo mounted'
    assert.deepEqual(lines(run(script, { securityContext: { privileged: true } })), ['kmsg', 'Seccomp:\t0', 'mounted'])
  })

  test('limits reach the cgroup', () => {
    const resources = { limits: { memory: '64Mi', cpu: '500m' } }
    const memory = lines(
      run('cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes', {
        resources,
      }),
    )
    assert.equal(memory.at(-1), String(64 * 2 ** 20))
    const cpu = lines(
      run('cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us', { resources }),
    )
    assert.match(cpu.at(-1) ?? '', /^50000/)
  })

  test('kernel parameters of the pod', () => {
    const spec = {
      securityContext: {
        sysctls: [
          { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' },
          { name: 'kernel.shmmni', value: '99' },
        ],
      },
    }
    const script = 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmni'
    assert.deepEqual(lines(run(script, {}, { spec })), ['0', '99'])
  })

  test('hosts, resolv.conf and the termination message', () => {
    const spec = {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.53'] },
      hostAliases: [{ ip: '1.2.3.4', hostnames: ['x'] }],
    }
    const container = { terminationMessagePath: '/var/log/end' }
    const inside = lines(
      run('tail -1 /etc/hosts; cat /etc/resolv.conf /etc/hostname; echo done > /var/log/end', container, { spec }),
    )
    assert.deepEqual(inside, ['1.2.3.4\tx', 'nameserver 192.0.2.53', 'web'])
  })

  test('a mount below another one', () => {
    const container = {
      volumeMounts: [
        { name: 'b', mountPath: '/a/b/c' },
        { name: 'a', mountPath: '/a' },
      ],
    }
    const spec = {
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', emptyDir: {} },
      ],
    }
    assert.deepEqual(lines(run('touch /a/b/c/x && ls /a/b/c', container, { spec })), ['x'])
  })
})

/** Old calls that podman 4 still allowed, and podman 5 does not. */
const DROPPED = ['readdir', 'sigaction', 'sigpending', 'sigsuspend', 'syscall', 'timerfd']

const reference = '/usr/share/containers/seccomp.json'

interface Profile {
  readonly syscalls: readonly {
    readonly names: readonly string[]
    readonly action: string
    readonly args: readonly object[] | null
    readonly includes: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
    readonly excludes: { readonly caps?: readonly string[] }
  }[]
}

test("the filter lets pass what podman's does", { skip: existsSync(reference) ? false : `needs ${reference}` }, () => {
  const { syscalls } = JSON.parse(readFileSync(reference, 'utf8')) as Profile
  const always = syscalls.filter(
    ({ action, args, includes, excludes }) =>
      action === 'SCMP_ACT_ALLOW' && !args?.length && !includes.caps && !includes.arches && !excludes.caps,
  )
  const own = defaultSeccomp([], 'SCMP_ARCH_X86_64')
  const allowed = new Set(own.syscalls.filter(({ args }) => args === undefined)[0]?.names)
  const wanted = always.flatMap(({ names }) => names).filter(name => !DROPPED.includes(name))
  assert.deepEqual(
    wanted.filter(name => !allowed.has(name)),
    [],
  )
})
