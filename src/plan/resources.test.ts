import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Container, V1PodSpec, V1ResourceRequirements } from '@kubernetes/client-node'
import { cgroupSettings } from './cgroup-settings.ts'
import { firstMember, planOf, podOf } from './fixture.ts'
import { memberOomScore, oomScoreAdj, planResources } from './resources.ts'

test('requests and limits to weights and quotas', () => {
  const cases: readonly [V1ResourceRequirements, ReturnType<typeof planResources>][] = [
    [{}, { cpuShares: 2, memoryRequestBytes: 0, hugepages: {} }],
    [
      { limits: { cpu: '500m', memory: '64Mi' } },
      {
        cpuShares: 512,
        cpuQuotaUs: 50_000,
        cpuPeriodUs: 100_000,
        memoryBytes: 64 * 2 ** 20,
        memoryRequestBytes: 64 * 2 ** 20,
        hugepages: {},
      },
    ],
    [{ requests: { cpu: '1' } }, { cpuShares: 1024, memoryRequestBytes: 0, hugepages: {} }],
    [
      { limits: { cpu: '1m' }, requests: { cpu: '1m' } },
      { cpuShares: 2, cpuQuotaUs: 1000, cpuPeriodUs: 100_000, memoryRequestBytes: 0, hugepages: {} },
    ],
    [
      { limits: { cpu: '1e999', memory: '1e999' } },
      {
        cpuShares: 262_144,
        cpuQuotaUs: 1e12,
        cpuPeriodUs: 100_000,
        memoryBytes: Number.MAX_SAFE_INTEGER,
        memoryRequestBytes: Number.MAX_SAFE_INTEGER,
        hugepages: {},
      },
    ],
    [{ requests: { cpu: '1000' } }, { cpuShares: 262_144, memoryRequestBytes: 0, hugepages: {} }],
    [
      { limits: { 'hugepages-2Mi': '4Mi', 'hugepages-1Gi': '1Gi', 'ephemeral-storage': '1Ki' } },
      {
        cpuShares: 2,
        memoryRequestBytes: 0,
        ephemeralStorageBytes: 1024,
        hugepages: { '2MB': 4 * 2 ** 20, '1GB': 2 ** 30 },
      },
    ],
  ]
  for (const [resources, expected] of cases) assert.deepEqual(planResources(resources), expected)
})

test("a container without a limit of its own has its pod's", () => {
  const own = { limits: { memory: '20Mi' }, requests: { memory: '10Mi' } }
  const { memoryBytes, memoryRequestBytes, cpuQuotaUs, cpuShares } = planResources(own, {
    cpu: '100m',
    memory: '100Mi',
  })
  assert.deepEqual(
    [memoryBytes, memoryRequestBytes, cpuQuotaUs, cpuShares],
    [20 * 1024 ** 2, 10 * 1024 ** 2, 10_000, 102],
  )
  const none = planResources(undefined, { memory: '100Mi' })
  assert.deepEqual([none.memoryBytes, none.memoryRequestBytes, none.cpuQuotaUs], [100 * 1024 ** 2, 0, undefined])
})

function pod(resources: readonly V1ResourceRequirements[], spec: Partial<V1PodSpec> = {}) {
  const containers = resources.map((its, index): V1Container => ({ name: `c${index}`, image: 'x', resources: its }))
  return planOf(podOf({}, { containers, ...spec }))
}

const full = { limits: { cpu: '1', memory: '1Gi' } }

test('QoS class', () => {
  assert.equal(pod([{}]).qosClass, 'BestEffort')
  assert.equal(pod([full, full]).qosClass, 'Guaranteed')
  assert.equal(pod([full, {}]).qosClass, 'Burstable')
  assert.equal(pod([{ ...full, requests: { cpu: '500m' } }]).qosClass, 'Burstable')
  assert.equal(pod([{ requests: { memory: '1' } }]).qosClass, 'Burstable')
  assert.equal(pod([{ limits: { cpu: '0', memory: '0' } }]).qosClass, 'BestEffort')
  assert.equal(pod([{}], { resources: full }).qosClass, 'Guaranteed')
})

test("the pod's own cgroup has the sum where all containers are limited", () => {
  const { resources } = pod([full, full])
  assert.equal(resources.cpuShares, 2048)
  assert.equal(resources.cpuQuotaUs, 200_000)
  assert.equal(resources.memoryBytes, 2 * 2 ** 30)
  const partly = pod([full, { requests: { cpu: '100m' } }]).resources
  assert.equal(partly.cpuShares, 1126)
  assert.equal(partly.memoryBytes, undefined)
  assert.equal(pod([{}]).resources.cpuShares, 2)
})

test('init containers count one at a time, sidecars beside the rest', () => {
  const big = { limits: { cpu: '3', memory: '3Gi' } }
  const init = (name: string, restartPolicy?: string): V1Container => ({
    name,
    image: 'x',
    resources: big,
    ...(restartPolicy ? { restartPolicy } : {}),
  })
  assert.equal(pod([full], { initContainers: [init('a'), init('b')] }).resources.memoryBytes, 3 * 2 ** 30)
  assert.equal(pod([full], { initContainers: [init('a', 'Always'), init('b')] }).resources.memoryBytes, 6 * 2 ** 30)
  assert.equal(pod([full], { initContainers: [init('a', 'Always')] }).resources.memoryBytes, 4 * 2 ** 30)
})

test('resources of the pod itself come first', () => {
  const own = { limits: { memory: '4Gi' }, requests: { cpu: '2' } }
  const { resources } = pod([full], { resources: own })
  assert.equal(resources.memoryBytes, 4 * 2 ** 30)
  assert.equal(resources.cpuShares, 2048)
})

// Source of the numbers: k8s.io/kubernetes/pkg/kubelet/qos/policy_test.go.
test('oom_score_adj', () => {
  const machine = 8_000_000_000
  assert.equal(oomScoreAdj('Guaranteed', machine, machine), -997)
  assert.equal(oomScoreAdj('BestEffort', 0, machine), 1000)
  assert.equal(oomScoreAdj('Burstable', machine / 2, machine), 500)
  assert.equal(oomScoreAdj('Burstable', 0, machine), 999)
  assert.equal(oomScoreAdj('Burstable', machine, machine), 3)
})

test('a sidecar is not killed before the container it serves', () => {
  const sidecar = { name: 's', image: 'x', restartPolicy: 'Always' }
  const plan = pod([{ requests: { memory: '4Gi' } }], { initContainers: [sidecar] })
  assert.equal(memberOomScore(plan, firstMember(plan), 8 * 2 ** 30), 500)
})

test('what the pod asks for beyond its containers is shared out', () => {
  const plan = pod([{}, {}], { resources: { requests: { memory: '4Gi' } } })
  assert.equal(memberOomScore(plan, firstMember(plan), 8 * 2 ** 30), 750)
})

test('settings of the pod cgroup', () => {
  const { resources } = pod([full])
  assert.deepEqual(
    cgroupSettings(resources, 2).map(({ file, value }) => `${file}=${value}`),
    ['cpu.weight=39', 'cpu.max=100000 100000', 'memory.max=1073741824', 'memory.low=1073741824'],
  )
  assert.deepEqual(
    cgroupSettings(resources, 1).map(({ file, value }) => `${file}=${value}`),
    ['cpu.shares=1024', 'cpu.cfs_period_us=100000', 'cpu.cfs_quota_us=100000', 'memory.limit_in_bytes=1073741824'],
  )
})
