/** Pods, machines and facts for the tests of this folder: one good base, to be changed in one place by each test. */
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node'
import type { KubernetesObject, ManifestObject } from '../manifest/types.ts'
import type { ContainerFacts, ImageDefaults, MachineFacts, PodFacts } from './facts.ts'
import { type PlanOptions, planApp } from './plan-app.ts'
import type { MemberPlan, PodPlan } from './types.ts'

export const MACHINE: MachineFacts = {
  nodeName: 'node-1',
  hostIps: ['192.0.2.1', '2001:db8::1'],
  cgroupVersion: 2,
  minOomScoreAdj: -1000,
  cpus: 4,
  memoryBytes: 8 * 2 ** 30,
  seccomp: true,
  appArmor: false,
  seLinux: false,
  architecture: 'SCMP_ARCH_X86_64',
  resolv: { nameservers: ['198.51.100.53'], searches: ['example.com'], options: ['timeout:2'] },
  seccompRoot: '/var/lib/kubelet/seccomp',
}

export const FACTS: PodFacts = {
  uid: '6f2d7c9a-0000-4000-8000-000000000001',
  createdAt: '2026-01-02T03:04:05Z',
  podIps: ['10.88.0.7'],
  sandboxDir: '/run/kube/pods/u1',
  infraProcess: '/proc/4242',
  cgroupPath: '/kube/podu1',
  volumePaths: { data: '/var/lib/kube/pods/u1/volumes/data' },
}

export const CONTAINER_FACTS: ContainerFacts = {
  id: 'c1',
  rootfs: '/var/lib/kube/pods/u1/rootfs/web',
  user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
  terminationLog: '/var/lib/kube/pods/u1/termination/web',
  attempt: 0,
}

export const IMAGE: ImageDefaults = { env: ['IMAGE=1'], entrypoint: ['/entry'], cmd: ['serve'], workingDir: '/srv' }

/** An object as the manifest stage hands it on; every path of it stands at line 1. */
export function manifest(value: object, file = 'app.yaml'): ManifestObject {
  const object = value as KubernetesObject
  return {
    kind: object.kind,
    apiVersion: object.apiVersion,
    namespace: object.metadata.namespace ?? 'default',
    name: object.metadata.name ?? '',
    value: object,
    file,
    document: 0,
    locate: () => ({ line: 1, column: 1 }),
  }
}

export function podOf(container: Partial<V1Container> = {}, spec: Partial<V1PodSpec> = {}): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { containers: [{ name: 'web', image: 'web:1', ...container }], ...spec },
  }
}

/** The plan of a single pod among other objects; fails on any finding that is an error. */
export function planOf(pod: V1Pod, others: readonly object[] = [], options: PlanOptions = {}): PodPlan {
  const { pods, diagnostics } = planApp([manifest(pod), ...others.map(other => manifest(other))], options)
  const error = diagnostics.find(diagnostic => diagnostic.severity === 'error')
  if (error) throw new Error(`${error.path.join('.')}: ${error.message}`)
  return pods[0] as PodPlan
}

/** `path: code` of each finding. */
export function findingsOf(pod: V1Pod, others: readonly object[] = [], options: PlanOptions = {}): readonly string[] {
  const { diagnostics } = planApp([manifest(pod), ...others.map(other => manifest(other))], options)
  return diagnostics.map(({ path, code }) => `${path.join('.')}: ${code}`)
}

export function firstMember(plan: PodPlan): MemberPlan {
  return plan.members[0] as MemberPlan
}
