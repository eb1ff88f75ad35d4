/** `kube inspect`: everything the engine knows of a pod, a container or an image, as JSON. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KubeError } from '../diagnostic.ts'
import { observePod } from '../engine/observe.ts'
import type { PodRecord } from '../engine/ports.ts'
import { vethName } from '../host/layout.ts'
import { gatewayOf, parseSubnet } from '../host/network/subnet.ts'
import { describePlan } from '../plan/describe-plan.ts'
import type { Context } from './context.ts'
import type { RealHost } from './host.ts'

export interface InspectOptions {
  readonly namespace: string
  readonly type?: 'pod' | 'container' | 'image'
}

/** Shortest beginning of an id that names something. */
const ID_LENGTH = 4

export async function runInspect(
  [names]: [readonly string[]],
  options: InspectOptions,
  context: Context,
): Promise<number> {
  const host = await context.host()
  const found = names.map(name => inspect(host, name, options))
  context.io.out(`${JSON.stringify(found, null, 2)}\n`)
  return 0
}

/** A pod by name or uid, a container by POD/CONTAINER or id, an image by reference or id: the first that there is. */
function inspect(host: RealHost, name: string, options: InspectOptions): object {
  const wants = (type: string) => options.type === undefined || options.type === type
  host.lookAfterPods()
  const pods = host.state.pods()
  const pod = wants('pod') ? findPod(pods, name, options.namespace) : undefined
  if (pod) return inspectPod(host, pod)
  const container = wants('container') ? findContainer(host, pods, name, options.namespace) : undefined
  if (container) return inspectContainer(host, container.pod, container.member)
  const image = wants('image') ? host.store.find(name) : undefined
  if (image) return { kind: 'image', ...image }
  throw new KubeError('NotFound', `there is no ${options.type ?? 'pod, container or image'} ${name}`, {
    hint: '`kube ps -a` and `kube images` list what there is',
  })
}

function findPod(pods: readonly PodRecord[], name: string, namespace: string): PodRecord | undefined {
  const bare = name.replace(/^(?:pods?|po)\//, '')
  return (
    pods.find(({ plan }) => plan.name === bare && plan.namespace === namespace) ??
    pods.find(({ uid }) => bare.length >= ID_LENGTH && uid.startsWith(bare))
  )
}

interface FoundContainer {
  readonly pod: PodRecord
  readonly member: string
}

function findContainer(
  host: RealHost,
  pods: readonly PodRecord[],
  name: string,
  namespace: string,
): FoundContainer | undefined {
  const [podName, member = ''] = name.split('/')
  const byName = pods.find(({ plan }) => plan.name === podName && plan.namespace === namespace)
  if (byName?.plan.members.some(candidate => candidate.name === member)) return { pod: byName, member }
  if (!/^[0-9a-f]+$/.test(name) || name.length < ID_LENGTH) return undefined
  for (const pod of pods) {
    for (const candidate of pod.plan.members) {
      const id = pod.containers[candidate.name]?.id ?? host.containerId(pod.uid, candidate.name, 0)
      if (id.startsWith(name)) return { pod, member: candidate.name }
    }
  }
  return undefined
}

function inspectPod(host: RealHost, pod: PodRecord): object {
  const { uid, plan } = pod
  const observed = observePod(host, pod)
  const infraId = host.infraId(uid)
  return {
    kind: 'pod',
    uid,
    namespace: plan.namespace,
    name: plan.name,
    app: pod.app,
    createdAt: pod.createdAt,
    removing: pod.removing,
    cgroup: host.cgroupPath(uid),
    directories: { persistent: host.layout.podDir(uid), runtime: host.layout.sandboxDir(uid) },
    mountNamespace: join(host.layout.namespacesDir, uid),
    infra: {
      id: infraId,
      state: observed.infra,
      ...(pod.infra === undefined ? {} : { pid: Number.parseInt(pod.infra, 10) }),
      bundle: host.layout.bundleDir(infraId),
    },
    network: networkOf(host, pod, observed.network),
    ports: plan.ports,
    mounts: host.volumes.mounts(uid).map(({ path, type, source }) => ({ target: path, type, source })),
    containers: plan.members.map(member => inspectContainer(host, pod, member.name)),
    plan: describePlan([plan]).pods[0],
  }
}

function networkOf(host: RealHost, { uid, plan, address }: PodRecord, state: string): object {
  if (plan.network.mode === 'host') return { mode: 'host', addresses: host.machine.hostIps }
  const subnet = host.state.setting('subnet')
  return {
    ...plan.network,
    state,
    address,
    ...(subnet === undefined ? {} : { subnet, gateway: gatewayOf(parseSubnet(subnet)) }),
    link: vethName(uid),
  }
}

function inspectContainer(host: RealHost, pod: PodRecord, name: string): object {
  const { uid, plan } = pod
  const member = plan.members.find(candidate => candidate.name === name)!
  const known = pod.containers[name]
  const now = observePod(host, pod).containers[name]!
  const bundle = host.layout.bundleDir(now.id)
  const isRunning = now.state === 'running'
  return {
    kind: 'container',
    ...now,
    name,
    pod: `${plan.namespace}/${plan.name}`,
    podUid: uid,
    role: member.role,
    image: member.image,
    ...(known === undefined ? {} : { imageId: known.imageId, createdAt: known.createdAt, attempt: known.attempt }),
    ...(known?.startedAt === undefined ? {} : { startedAt: known.startedAt }),
    ...(isRunning && known?.process !== undefined ? { processes: processesOf(known.process) } : {}),
    bundle,
    config: `${bundle}/config.json`,
    rootfs: {
      path: host.volumes.rootfsPath(uid, name),
      state: host.volumes.isMounted(uid, name) ? 'mounted' : 'absent',
    },
    log: host.logFile(uid, name, known?.attempt ?? 0),
    exitFile: `${host.layout.exitsDir}/${now.id}`,
    cgroup: `${host.cgroupPath(uid)}/${now.id}`,
    ...numberIn(`${bundle}/conmon.pid`, 'monitorPid'),
  }
}

/** The container's first process and those below it. */
function processesOf(identity: string): readonly object[] {
  const found: { pid: number; command: string }[] = []
  const waiting = [Number.parseInt(identity, 10)]
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const command = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
    found.push({ pid, command })
    waiting.push(...readText(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number))
  }
  return found
}

function numberIn(path: string, name: string): object {
  const value = Number(readText(path))
  return value > 0 ? { [name]: value } : {}
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
