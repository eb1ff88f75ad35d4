/** A machine in memory, for tests of the engine: it remembers what was made, and fails where it is told to. */
import { KubeError } from '../diagnostic.ts'
import type { MachineFacts } from '../plan/facts.ts'
import type { PodPlan } from '../plan/types.ts'
import { KUBELET_BACKOFF } from '../reconcile/restart.ts'
import type { AppRecord, ContainerRecord, Host, ObjectRecord, PodRecord } from './ports.ts'

export interface FakeHost extends Host {
  /** Everything that exists, sorted: two equal lists are two equal machines. */
  snapshot(): readonly string[]
  /** Every effect that was asked for, in order: `startInfra`, `detach`, ... */
  readonly calls: string[]
  /** Fails the n-th making effect from now (0 is the next). `after`: once it has happened, as a killed program leaves it. */
  failMaking(n: number, after?: boolean): void
  /** Fails every removing effect of this name until told otherwise. */
  failRemoving(name: string | undefined): void
  /** Ends a container by itself. */
  exit(uid: string, container: string, exitCode: number): void
  /** Ends the pod's infra container by itself. */
  killInfra(uid: string): void
}

export function fakeHost(options: { readonly images?: readonly string[] } = {}): FakeHost {
  const things = new Set<string>()
  const running = new Map<string, { exitCode?: number; started: boolean }>()
  const stopping = new Set<string>()
  const calls: string[] = []
  const images = new Set(options.images ?? ['busybox:1'])
  const apps = new Map<string, AppRecord>()
  let objects: ObjectRecord[] = []
  const pods = new Map<string, PodRecord>()
  let making: { countdown: number; after: boolean } | undefined
  let removing: string | undefined
  let serial = 0

  function make(name: string, effect: () => void): void {
    calls.push(name)
    const fails = making !== undefined && making.countdown-- === 0
    if (fails && !making?.after) throw new KubeError('Injected', `injected failure of ${name}`)
    effect()
    if (fails) throw new KubeError('Injected', `injected failure after ${name}`)
  }

  function take(name: string, effect: () => void): void {
    calls.push(name)
    if (removing === name) throw new KubeError('InjectedRemoval', `injected failure of ${name}`)
    effect()
  }

  const containerId = (uid: string, container: string, attempt: number) => `${uid}/${container}/${attempt}`
  const infraId = (uid: string) => `${uid}//infra`
  const change = (uid: string, patch: Partial<PodRecord>) => {
    const record = pods.get(uid)
    if (record) pods.set(uid, { ...record, ...patch })
  }
  const stopped = (id: string) => {
    const container = running.get(id)
    if (container) container.exitCode ??= 137
  }

  function checkPods(plans: readonly PodPlan[], except: ReadonlySet<string>): void {
    for (const plan of plans) {
      for (const other of pods.values()) {
        if (except.has(other.uid)) continue
        if (other.plan.namespace === plan.namespace && other.plan.name === plan.name)
          throw new KubeError('PodExists', `pod ${plan.name} exists`)
        const clash = plan.ports.some(port =>
          other.plan.ports.some(held => held.hostPort === port.hostPort && held.protocol === port.protocol),
        )
        if (clash) throw new KubeError('PortInUse', `pod ${plan.name}: port in use`)
      }
    }
  }

  return {
    calls,
    snapshot: () =>
      [
        ...things,
        ...[...running].map(([id, c]) => `process ${id} ${c.exitCode ?? 'running'}`),
        ...[...pods.keys()].map(uid => `pod ${uid}`),
        ...[...apps.keys()].map(name => `app ${name}`),
      ].sort(),
    failMaking(n, after = false) {
      making = { countdown: n, after }
    },
    failRemoving(name) {
      removing = name
    },
    exit(uid, container, exitCode) {
      const id = pods.get(uid)?.containers[container]?.id ?? ''
      running.set(id, { started: true, exitCode })
    },
    killInfra: uid => void running.set(infraId(uid), { started: true, exitCode: 137 }),
    machine: FAKE_MACHINE,
    backoff: KUBELET_BACKOFF,
    wakeSupervisor() {},
    async dismissSupervisor() {},
    exitCommand: (uid, id) => ['wake', uid, id],
    handlers: {
      async run({ handler }) {
        calls.push(`handler ${JSON.stringify(handler)}`)
        return { ok: true, message: '' }
      },
    },
    infra: { rootfs: '/infra', catatonit: '/catatonit' },
    cgroupPath: uid => `/kube/pod${uid}`,
    now: () => new Date(1_700_000_000_000 + serial++ * 1000).toISOString(),
    newUid: () => `uid-${serial++}`,
    containerId,
    infraId,
    authorityFor: () => ({ token: () => 'token', certificate: () => 'certificate' }),
    seccompProfile: () => ({}),
    deviceEdits: async () => ({ env: [], devices: [], mounts: [], additionalGids: [], hooks: {} }),
    logFile: (uid, container, attempt) => `/logs/${uid}/${container}/${attempt}`,
    removeLog() {},
    checkPortFree() {},
    lock: async () => ({ [Symbol.dispose]() {} }),
    close() {},
    images: {
      find: reference => (images.has(reference) ? { id: `sha256:${reference}`, config: { env: [] } } : undefined),
      findNow: reference => (images.has(reference) ? { id: `sha256:${reference}`, config: { env: [] } } : undefined),
      requireName() {},
      async pull(reference) {
        calls.push(`pull ${reference}`)
        if (reference.includes('missing')) throw new KubeError('ImageNotFound', `no image ${reference}`)
        images.add(reference)
        return { id: `sha256:${reference}`, config: { env: [] } }
      },
    },
    network: {
      prepare: async () => make('prepare', () => things.add('bridge')),
      attach: async uid => make('attach', () => things.add(`link ${uid}`)),
      detach: async uid => take('detach', () => things.delete(`link ${uid}`)),
      isAttached: uid => things.has(`link ${uid}`),
      publish: async () => make('publish', () => {}),
      async repair() {},
      remove: async () => take('removeBridge', () => things.delete('bridge')),
      close() {},
    },
    runtime: {
      async prepare() {},
      async release() {},
      async startInfra(id) {
        make('startInfra', () => running.set(id, { started: true }))
        return { pid: 1, identity: id }
      },
      stopInfra: async id => take('stopInfra', () => running.delete(id)),
      async create(id, { ready }) {
        await ready
        make('create', () => running.set(id, { started: false }))
        return { pid: 1, identity: id }
      },
      start: async id =>
        make('start', () => {
          running.set(id, { started: true })
        }),
      stop: async id => take('stop', () => stopped(id)),
      stopTurn(id) {
        if (stopping.has(id)) return undefined
        stopping.add(id)
        return { [Symbol.dispose]: () => void stopping.delete(id) }
      },
      ended: async () => {},
      remove: async id => take('remove', () => running.delete(id)),
      observe(id, _process, started) {
        const container = running.get(id)
        if (!container) return { state: _process === undefined ? 'absent' : 'broken' }
        if (container.exitCode !== undefined) return { state: 'exited', exitCode: container.exitCode }
        return { state: container.started && started ? 'running' : _process === undefined ? 'broken' : 'created' }
      },
      hasRebooted: () => false,
      isAlive: identity => running.has(identity) && running.get(identity)?.exitCode === undefined,
      requireRuntime() {},
      infraProcess: id => `/proc/${id}`,
      makeCgroup() {},
      async removeCgroup() {},
      hush() {},
    },
    volumes: {
      makeSandbox: async uid => make('makeSandbox', () => things.add(`sandbox ${uid}`)),
      writeSandboxFiles() {},
      makeContainerFiles() {},
      updateFiles(uid) {
        calls.push(`updateFiles ${uid}`)
        return true
      },
      bindSubPath: (uid, _plan, { container, index }) => `/mounts/${uid}/${container}/${index}`,
      infraRootfs: () => '/infra',
      volumeUsage: async () => 0,
      containerUsage: async () => 0,
      mapVolumes() {},
      readVolumeText: () => undefined,
      claims: () => [],
      discardClaim() {},
      async removeDiscarded() {},
      blockDevice: path => ({ path, type: 'b', major: 7, minor: 0, mode: 0o660, uid: 0, gid: 0 }),
      removeSandbox: async uid => take('removeSandbox', () => things.delete(`sandbox ${uid}`)),
      hasSandbox: uid => things.has(`sandbox ${uid}`),
      volumePaths: () => ({}),
      mountRootfs: async (uid, _plan, member) => make('mountRootfs', () => things.add(`rootfs ${uid} ${member.name}`)),
      unmountRootfs: async (uid, container) => take('unmountRootfs', () => things.delete(`rootfs ${uid} ${container}`)),
      isMounted: (uid, container) => things.has(`rootfs ${uid} ${container}`),
      rootfsPath: (uid, container) => `/rootfs/${uid}/${container}`,
      readRootfsText: () => '',
      sandboxDir: uid => `/sandbox/${uid}`,
      terminationLog: (uid, container) => `/termination/${uid}/${container}`,
      mounts: () => [],
      release() {},
    },
    state: {
      addEvent() {},
      events: () => [],
      apps: () => [...apps.values()],
      app: name => apps.get(name),
      putApp: app => void apps.set(app.name, apps.get(app.name) ?? app),
      removeApp(name) {
        apps.delete(name)
        objects = objects.filter(object => object.app !== name)
      },
      objects: (filter = {}) =>
        objects.filter(
          object =>
            (filter.app === undefined || object.app === filter.app) &&
            (filter.kind === undefined || object.kind === filter.kind) &&
            (filter.made === true || object.owner === undefined),
        ),
      checkObjects() {},
      putObjects(app, next) {
        const remembered = new Map(objects.map(object => [object.uid, object.progress]))
        const kept = objects.filter(object => object.app !== app || object.owner !== undefined)
        const uids = new Set([...kept, ...next].map(({ uid }) => uid))
        objects = [
          ...kept.filter(({ owner }) => owner === undefined || uids.has(owner)),
          ...next.map(object => {
            const progress = object.progress ?? remembered.get(object.uid)
            return progress ? { ...object, progress } : object
          }),
        ]
      },
      putObject(object) {
        const old = objects.findIndex(({ uid }) => uid === object.uid)
        objects = old < 0 ? [...objects, object] : objects.with(old, { ...objects[old]!, value: object.value })
      },
      removeObject(uid) {
        objects = objects.filter(object => object.uid !== uid && object.owner !== uid)
      },
      setProgress(uid, progress) {
        objects = objects.map(object => (object.uid === uid ? { ...object, progress } : object))
      },
      pods: (filter = {}) => [...pods.values()].filter(pod => filter.app === undefined || pod.app === filter.app),
      pod: uid => pods.get(uid),
      makeRoom() {},
      checkPods,
      addPods(app, added) {
        checkPods(
          added.map(({ plan }) => plan),
          new Set(),
        )
        for (const { uid, plan } of added)
          pods.set(uid, {
            uid,
            app,
            plan,
            removing: false,
            createdAt: '2026-01-01T00:00:00Z',
            address: `10.0.0.${pods.size + 2}`,
            builder: 'self',
            containers: {},
          })
      },
      markBuilt(app, only) {
        for (const [uid, { builder: _builder, ...record }] of pods)
          if (record.app === app && (only ?? uid) === uid) pods.set(uid, record)
      },
      markRemoving: uid => change(uid, { removing: true }),
      setInfra: (uid, infra) => change(uid, { infra }),
      putContainer: (uid, container: ContainerRecord) =>
        change(uid, { containers: { ...pods.get(uid)?.containers, [container.name]: container } }),
      setLifecycle(uid, name, attempt, lifecycle) {
        const known = pods.get(uid)?.containers[name]
        if (known?.attempt === attempt)
          change(uid, { containers: { ...pods.get(uid)?.containers, [name]: { ...known, lifecycle } } })
      },
      container: (uid, name) => pods.get(uid)?.containers[name],
      setStopped(uid, stopped) {
        const pod = pods.get(uid)
        if (!pod) return
        const { stopped: _before, ...rest } = pod
        pods.set(uid, stopped ? { ...rest, stopped } : rest)
      },
      endPod(uid) {
        const { address, infra: _infra, ...record } = pods.get(uid)!
        pods.set(uid, { ...record, ended: address === undefined ? {} : { address } })
      },
      reviveEnded(uid) {
        const { ended, ...record } = pods.get(uid)!
        pods.set(uid, { ...record, ...ended })
      },
      setConditions: (uid, conditions) => change(uid, { conditions }),
      setFailure: (uid, failure) => change(uid, { failure }),
      setPlan: (uid, plan) => change(uid, { plan }),
      removePod: uid => take('forget', () => pods.delete(uid)),
      ports: () => [],
      addresses: () => [],
      doomClaims() {},
      hasDoomedClaims: () => false,
      takeDoomedClaims() {},
      claimApp: () => ({}),
      isAppWanted: () => false,
      releaseApp() {},
    },
  }
}

const FAKE_MACHINE: MachineFacts = {
  nodeName: 'machine',
  hostIps: ['192.0.2.1'],
  cgroupVersion: 2,
  minOomScoreAdj: -1000,
  cpus: 2,
  memoryBytes: 2 ** 33,
  seccomp: false,
  appArmor: false,
  seLinux: false,
  architecture: 'SCMP_ARCH_X86_64',
  resolv: { nameservers: ['192.0.2.53'], searches: [], options: [] },
  seccompRoot: '/var/lib/kubelet/seccomp',
}
