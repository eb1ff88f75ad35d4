import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { ContainerFacts, MachineFacts } from './facts.ts'
import { CONTAINER_FACTS, FACTS, firstMember, IMAGE, MACHINE, planOf, podOf } from './fixture.ts'
import { infraSpec, memberSpec, processArgs } from './oci-spec.ts'
import type { OciSpec } from './oci-types.ts'

interface Change {
  readonly spec?: Partial<V1PodSpec>
  readonly machine?: Partial<MachineFacts>
  readonly facts?: Partial<ContainerFacts>
}

function specOf(container: Partial<V1Container> = {}, { spec, machine, facts }: Change = {}): OciSpec {
  const pod = planOf(podOf(container, spec))
  const all = { ...CONTAINER_FACTS, ...facts }
  return memberSpec(pod, firstMember(pod), IMAGE, { ...MACHINE, ...machine }, FACTS, all)
}

function infra(spec: Partial<V1PodSpec> = {}): OciSpec {
  return infraSpec(planOf(podOf({}, spec)), MACHINE, FACTS, {
    id: 'i1',
    rootfs: '/infra',
    catatonit: '/usr/bin/catatonit',
  })
}

function namespaces(spec: OciSpec): readonly string[] {
  return spec.linux.namespaces.map(({ type, path }) => (path === undefined ? type : `${type} ${path}`))
}

function mountAt(spec: OciSpec, destination: string) {
  return spec.mounts.find(mount => mount.destination === destination)
}

// Source of the table: Kubernetes documentation, "Define a Command and Arguments for a Container".
test('command and args over ENTRYPOINT and CMD', () => {
  const image = { env: [], entrypoint: ['/ep-1'], cmd: ['foo', 'bar'] }
  const args = (command?: string[], its?: string[]) =>
    processArgs(
      { name: 'c', ...(command ? { command } : {}), ...(its ? { args: its } : {}) },
      image,
      new Map([['V', 'v']]),
    )
  assert.deepEqual(args(), ['/ep-1', 'foo', 'bar'])
  assert.deepEqual(args(['/ep-2']), ['/ep-2'])
  assert.deepEqual(args(undefined, ['zoo', 'boo']), ['/ep-1', 'zoo', 'boo'])
  assert.deepEqual(args(['/ep-2'], ['zoo']), ['/ep-2', 'zoo'])
  assert.deepEqual(args(['$(V)', '$$(V)'], ['$(W)']), ['v', '$(V)', '$(W)'])
  assert.throws(() => processArgs({ name: 'c' }, { env: [] }, new Map()), { code: 'NoCommand' })
})

test("the image's words are not expanded", () => {
  const image = { env: [], entrypoint: ['$(V)'] }
  assert.deepEqual(processArgs({ name: 'c' }, image, new Map([['V', 'v']])), ['$(V)'])
})

test('a member joins the namespaces of the infra container', () => {
  assert.deepEqual(namespaces(specOf()), [
    'network /proc/4242/ns/net',
    'ipc /proc/4242/ns/ipc',
    'uts /proc/4242/ns/uts',
    'pid',
    'mount',
    'cgroup',
  ])
  assert.ok(namespaces(specOf({}, { spec: { shareProcessNamespace: true } })).includes('pid /proc/4242/ns/pid'))
  assert.deepEqual(namespaces(specOf({}, { spec: { hostNetwork: true, hostPID: true, hostIPC: true } })), [
    'mount',
    'cgroup',
  ])
  assert.ok(!namespaces(specOf({}, { machine: { cgroupVersion: 1 } })).includes('cgroup'))
})

test('the infra container owns them, and can do nothing', () => {
  const spec = infra({ securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '9' }] } })
  assert.deepEqual(namespaces(spec), ['network', 'ipc', 'uts', 'pid', 'mount'])
  assert.equal(spec.hostname, 'web')
  assert.deepEqual(spec.process.args, ['/catatonit', '-P'])
  assert.deepEqual(spec.process.capabilities.bounding, [])
  assert.equal(spec.process.noNewPrivileges, true)
  assert.equal(spec.root.readonly, true)
  assert.equal(spec.process.oomScoreAdj, -998)
  assert.deepEqual(spec.linux.sysctl, { 'net.core.somaxconn': '9' })
  assert.equal(spec.linux.cgroupsPath, '/kube/podu1/i1')
  assert.equal(infra({ hostNetwork: true }).hostname, undefined)
})

test('working directory: the manifest, the image, the root', () => {
  assert.equal(specOf({ workingDir: '/w' }).process.cwd, '/w')
  assert.equal(specOf().process.cwd, '/srv')
})

test('a process that is not root holds no capabilities', () => {
  const root = specOf().process.capabilities
  assert.equal(root.bounding.length, 11)
  assert.deepEqual(root.effective, root.bounding)
  assert.ok(root.bounding.includes('CAP_NET_BIND_SERVICE'))
  assert.equal(root.inheritable, undefined)
  const user = { uid: 1000, gid: 1000, additionalGids: [1000], home: '/' }
  const other = specOf({}, { facts: { user } }).process.capabilities
  assert.equal(other.bounding.length, 11)
  assert.deepEqual(other.effective, [])
  assert.deepEqual(other.permitted, [])
})

test('a capability the caller does not have cannot be handed on', () => {
  const { capabilities } = specOf({}, { machine: { capabilities: ['CHOWN', 'KILL'] } }).process
  assert.deepEqual(capabilities.bounding, ['CAP_CHOWN', 'CAP_KILL'])
})

test('limits are clamped to what the machine allows', () => {
  const limits = (machine: Partial<MachineFacts> = {}) => specOf({}, { machine }).process.rlimits
  assert.deepEqual(limits(), [
    { type: 'RLIMIT_NOFILE', soft: 1_048_576, hard: 1_048_576 },
    { type: 'RLIMIT_NPROC', soft: 1_048_576, hard: 1_048_576 },
  ])
  assert.deepEqual(limits({ rlimitCeiling: { nofile: 20_000, nproc: 96_365 } }), [
    { type: 'RLIMIT_NOFILE', soft: 20_000, hard: 20_000 },
    { type: 'RLIMIT_NPROC', soft: 96_365, hard: 96_365 },
  ])
  assert.equal(specOf().process.oomScoreAdj, 1000)
  const guaranteed = { resources: { limits: { cpu: '1', memory: '1Gi' } } }
  assert.equal(specOf(guaranteed).process.oomScoreAdj, -997)
  assert.equal(specOf(guaranteed, { machine: { minOomScoreAdj: 0 } }).process.oomScoreAdj, 0)
})

test('cgroup limits', () => {
  const { resources, cgroupsPath } = specOf({ resources: { limits: { cpu: '500m', memory: '64Mi' } } }).linux
  assert.equal(cgroupsPath, '/kube/podu1/c1')
  assert.deepEqual(resources.cpu, { shares: 512, quota: 50_000, period: 100_000 })
  const bytes = 64 * 2 ** 20
  assert.deepEqual(resources.memory, { limit: bytes, swap: bytes, reservation: bytes })
  const v1 = specOf({ resources: { limits: { memory: '64Mi' } } }, { machine: { cgroupVersion: 1 } })
  assert.deepEqual(v1.linux.resources.memory, { limit: bytes, reservation: bytes })
})

test('mounts: kernel file systems, then the files of the pod, then volumes, parents first', () => {
  const volumeMounts = [
    { name: 'data', mountPath: '/data/deep' },
    { name: 'data', mountPath: '/data', readOnly: true },
    { name: 'data', mountPath: '/etc/hosts' },
  ]
  const spec = specOf({ volumeMounts }, { spec: { volumes: [{ name: 'data', emptyDir: {} }] } })
  assert.deepEqual(
    spec.mounts.map(mount => mount.destination),
    [
      '/proc',
      '/dev',
      '/dev/pts',
      '/dev/mqueue',
      '/sys',
      '/sys/fs/cgroup',
      '/data',
      '/dev/shm',
      '/etc/hostname',
      '/etc/resolv.conf',
      '/dev/termination-log',
      '/data/deep',
      '/etc/hosts',
    ],
  )
  assert.deepEqual(mountAt(spec, '/data')?.options, ['rbind', 'ro'])
  assert.equal(mountAt(spec, '/etc/hosts')?.source, FACTS.volumePaths.data)
  assert.ok(mountAt(spec, '/sys')?.options.includes('ro'))
})

test('a volume in the place of a kernel file system replaces it', () => {
  const volumeMounts = [{ name: 'data', mountPath: '/dev/' }]
  const spec = specOf({ volumeMounts }, { spec: { volumes: [{ name: 'data', hostPath: { path: '/dev' } }] } })
  assert.equal(spec.mounts.filter(mount => mount.destination === '/dev').length, 1)
  assert.equal(mountAt(spec, '/dev/pts'), undefined)
})

test('mount propagation, recursive read-only, subPath', () => {
  const volumes = [{ name: 'data', hostPath: { path: '/srv' } }]
  const mounted = (mount: object) =>
    specOf(
      { volumeMounts: [{ name: 'data', mountPath: '/m', ...mount }] },
      { spec: { volumes }, facts: { subPaths: { '/m': '/proc/self/fd/9' } } },
    )
  const options = (mount: object) => mountAt(mounted(mount), '/m')?.options
  assert.deepEqual(options({ mountPropagation: 'HostToContainer' }), ['rbind', 'rslave', 'rw'])
  assert.deepEqual(options({ mountPropagation: 'Bidirectional' }), ['rbind', 'rshared', 'rw'])
  assert.deepEqual(options({ readOnly: true, recursiveReadOnly: 'Enabled' }), ['rbind', 'ro', 'rro'])
  assert.equal(mounted({}).linux.rootfsPropagation, 'rprivate')
  assert.ok(!mountAt(mounted({}), '/etc/hosts')?.options.includes('rprivate'))
  const shared = mounted({ mountPropagation: 'Bidirectional' })
  assert.ok(mountAt(shared, '/etc/hosts')?.options.includes('rprivate'))
  assert.equal(mounted({ mountPropagation: 'HostToContainer' }).linux.rootfsPropagation, 'rslave')
  assert.equal(mounted({ mountPropagation: 'Bidirectional' }).linux.rootfsPropagation, 'rshared')
  assert.equal(mountAt(mounted({ subPath: 'a' }), '/m')?.source, '/proc/self/fd/9')
})

test('privileged: no filter, no masks, all devices, writable /sys', () => {
  const device = { path: '/dev/kmsg', type: 'c' as const, major: 1, minor: 11, mode: 0o644, uid: 0, gid: 0 }
  const spec = specOf({ securityContext: { privileged: true } }, { machine: { devices: [device] } })
  assert.equal(spec.linux.seccomp, undefined)
  assert.equal(spec.linux.maskedPaths, undefined)
  assert.deepEqual(
    spec.linux.devices?.map(({ path }) => path),
    ['/dev/kmsg'],
  )
  assert.deepEqual(spec.linux.resources.devices, [{ allow: true, access: 'rwm' }])
  assert.ok(mountAt(spec, '/sys')?.options.includes('rw'))
  assert.equal(spec.process.capabilities.bounding.length, 41)
})

test('an ordinary container has the filter, masks and few devices', () => {
  const { linux } = specOf()
  assert.equal(linux.seccomp?.defaultAction, 'SCMP_ACT_ERRNO')
  assert.ok(linux.maskedPaths?.includes('/proc/kcore'))
  assert.ok(linux.readonlyPaths?.includes('/proc/sys'))
  assert.deepEqual(linux.resources.devices?.[0], { allow: false, access: 'rwm' })
  assert.equal(linux.devices, undefined)
})

test('procMount: Unmasked', () => {
  const spec = specOf({ securityContext: { procMount: 'Unmasked' } })
  assert.equal(spec.linux.maskedPaths, undefined)
})

test('a local seccomp profile is the one that was read', () => {
  const seccompProfile = { type: 'Localhost', localhostProfile: 'audit.json' }
  const profile = { defaultAction: 'SCMP_ACT_LOG', architectures: [], syscalls: [] }
  const given = specOf({ securityContext: { seccompProfile } }, { facts: { seccompProfile: profile } })
  assert.equal(given.linux.seccomp?.defaultAction, 'SCMP_ACT_LOG')
  assert.throws(() => specOf({ securityContext: { seccompProfile } }), { code: 'SeccompProfileMissing' })
})

test('AppArmor and SELinux only where the machine has them', () => {
  const securityContext = {
    appArmorProfile: { type: 'Localhost', localhostProfile: 'mine' },
    seLinuxOptions: { level: 's0:c1,c2' },
  }
  assert.throws(() => specOf({ securityContext }), { code: 'AppArmorDisabled' })
  const { process } = specOf({ securityContext }, { machine: { appArmor: true, seLinux: true } })
  assert.equal(process.apparmorProfile, 'mine')
  const machine = { appArmor: true, appArmorDefault: 'theirs' }
  const profileOf = (type?: string) =>
    specOf(type ? { securityContext: { appArmorProfile: { type } } } : {}, { machine }).process.apparmorProfile
  assert.deepEqual([undefined, 'RuntimeDefault', 'Unconfined'].map(profileOf), ['theirs', 'theirs', 'unconfined'])
  assert.equal(process.selinuxLabel, 'system_u:system_r:container_t:s0:c1,c2')
})

test('a block volume is a device at its path', () => {
  const disk = { path: '/dev/sdz', type: 'b' as const, major: 8, minor: 0, mode: 0o660, uid: 0, gid: 6 }
  const volumes = [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }]
  const spec = specOf(
    { volumeDevices: [{ name: 'disk', devicePath: '/dev/xvda' }] },
    { spec: { volumes }, facts: { devices: { disk } } },
  )
  assert.deepEqual(spec.linux.devices, [
    { path: '/dev/xvda', type: 'b', major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6 },
  ])
  assert.deepEqual(spec.linux.resources.devices?.at(-1), { allow: true, type: 'b', major: 8, minor: 0, access: 'rwm' })
})

test('what was not made ready is an error, never left out', () => {
  const volumes = [{ name: 'data', emptyDir: {} }]
  const mounted = (mount: object) => () =>
    specOf({ volumeMounts: [{ name: 'data', mountPath: '/m', ...mount }] }, { spec: { volumes } })
  assert.throws(mounted({ subPath: 'a' }), { code: 'VolumeNotReady' })
  assert.throws(mounted({ subPathExpr: '$(X)' }), { code: 'VolumeNotReady' })
  assert.throws(mounted({ name: 'other' }), { code: 'VolumeNotReady' })
  assert.throws(() => specOf({}, { spec: { hostUsers: false } }), { code: 'UserNamespaceNotMapped' })
  assert.throws(() => specOf({ volumeDevices: [{ name: 'data', devicePath: '/dev/x' }] }), { code: 'VolumeNotReady' })
})
