import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { planOf, podOf } from '../plan/fixture.ts'
import { type PodObject, podObject } from './pod-object.ts'
import { podRow } from './pod-row.ts'
import type { ContainerSnapshot, PodSnapshot } from './snapshot.ts'

const CREATED = '2026-01-02T03:04:05.678Z'
const STARTED = '2026-01-02T03:04:06.100Z'
const ENDED = '2026-01-02T03:04:09.900Z'

type Containers = Readonly<Record<string, Partial<ContainerSnapshot>>>

/** Two containers, an init container and a sidecar; each test changes one thing. */
function snapshot(
  containers: Containers,
  spec: Partial<V1PodSpec> = {},
  change: Partial<PodSnapshot> = {},
): PodSnapshot {
  const plan = planOf(
    podOf(
      {},
      {
        initContainers: [
          { name: 'prep', image: 'prep:1' },
          { name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' },
        ],
        containers: [
          { name: 'web', image: 'web:1' },
          { name: 'log', image: 'log:1' },
        ],
        ...spec,
      },
    ),
  )
  const all = Object.entries(containers).map(
    ([name, given]) => [name, { id: `id-${name}`, state: 'running', restarts: 0, ...given }] as const,
  )
  return {
    uid: 'u1',
    plan,
    createdAt: CREATED,
    removing: false,
    sandboxReady: true,
    podIps: ['10.88.0.7'],
    hostIps: ['192.0.2.1'],
    nodeName: 'node-1',
    containers: Object.fromEntries(all),
    ...change,
  }
}

const running = { state: 'running', startedAt: STARTED } as const
const done = { state: 'exited', startedAt: STARTED, end: { exitCode: 0, finishedAt: ENDED, oomKilled: false } } as const
const failed = { ...done, end: { ...done.end, exitCode: 3 } } as const
const settled = { prep: done, proxy: running, web: running, log: running }

function condition(pod: PodObject, type: string) {
  const found = pod.status.conditions?.find(item => item.type === type)
  return found && { status: found.status, reason: found.reason, message: found.message }
}

test('everything runs', () => {
  const pod = podObject(snapshot(settled))
  assert.equal(pod.status.phase, 'Running')
  for (const type of ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'])
    assert.equal(condition(pod, type)?.status, 'True', type)
  assert.deepEqual(podRow(pod), { ready: '3/3', status: 'Running', restarts: 0 })
  assert.equal(pod.status.podIP, '10.88.0.7')
  assert.equal(pod.spec.nodeName, 'node-1')
  const { serviceAccountName, serviceAccount, priority, preemptionPolicy } = pod.spec
  assert.deepEqual([serviceAccountName, serviceAccount], ['default', 'default'])
  assert.deepEqual([priority, preemptionPolicy], [0, 'PreemptLowerPriority'])
  assert.equal(pod.metadata.creationTimestamp, '2026-01-02T03:04:05Z')
  assert.deepEqual(
    pod.status.containerStatuses?.map(status => status.name),
    ['log', 'web'],
  )
  assert.deepEqual(pod.status.initContainerStatuses?.[0]?.state, {
    terminated: {
      containerID: 'crun://id-prep',
      exitCode: 0,
      finishedAt: '2026-01-02T03:04:09Z',
      reason: 'Completed',
      startedAt: '2026-01-02T03:04:06Z',
    },
  })
})

test('nothing was begun', () => {
  const pod = podObject(snapshot({}, {}, { sandboxReady: false }))
  assert.equal(pod.status.phase, 'Pending')
  assert.deepEqual(podRow(pod), { ready: '0/3', status: 'Init:0/2', restarts: 0 })
  assert.equal(pod.status.podIP, undefined)
  assert.equal(condition(pod, 'PodReadyToStartContainers')?.status, 'False')
  assert.equal(condition(pod, 'Initialized')?.message, 'containers with incomplete status: [prep proxy]')
  assert.deepEqual(pod.status.containerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } })
  assert.equal(pod.status.containerStatuses?.[0]?.containerID, undefined)
})

test('an init container that failed', () => {
  const once = podObject(snapshot({ prep: failed }, { restartPolicy: 'Never' }))
  assert.equal(once.status.phase, 'Failed')
  assert.equal(podRow(once).status, 'Init:Error')
  assert.equal(podObject(snapshot({ prep: failed })).status.phase, 'Pending')
})

test('the init container is done, the sidecar has not started', () => {
  const pod = podObject(snapshot({ prep: done }))
  assert.equal(pod.status.phase, 'Pending')
  assert.equal(podRow(pod).status, 'Init:1/2')
})

test('a container that ended by itself, by each restart policy', () => {
  const phase = (policy: 'Always' | 'OnFailure' | 'Never', web: Partial<ContainerSnapshot>, log = web) =>
    podObject(snapshot({ ...settled, proxy: done, web, log }, { restartPolicy: policy })).status.phase
  assert.equal(phase('Never', done), 'Succeeded')
  assert.equal(phase('OnFailure', done), 'Succeeded')
  assert.equal(phase('Always', done), 'Running')
  assert.equal(phase('Never', failed), 'Failed')
  assert.equal(phase('Never', failed, done), 'Failed')
  assert.equal(phase('OnFailure', failed), 'Running')
  assert.equal(phase('Never', done, running), 'Running')
})

test('a pod that is over is ready for nothing', () => {
  const over = { ...settled, proxy: done, web: done, log: done }
  const pod = podObject(snapshot(over, { restartPolicy: 'Never' }))
  assert.deepEqual(condition(pod, 'PodReadyToStartContainers'), {
    status: 'False',
    reason: undefined,
    message: undefined,
  })
  assert.deepEqual(condition(pod, 'Initialized'), { status: 'True', reason: 'PodCompleted', message: undefined })
  for (const type of ['Ready', 'ContainersReady'])
    assert.deepEqual(condition(pod, type), { status: 'False', reason: 'PodCompleted', message: undefined })
  assert.equal(pod.status.podIP, '10.88.0.7')
})

test('what a container was given, and who it runs as', () => {
  const user = { uid: 1000, gid: 100, supplementalGroups: [100, 7] }
  const resources = { limits: { cpu: '1' }, requests: { cpu: '500m' } }
  const containers = [
    { name: 'log', image: 'log:1' },
    { name: 'web', image: 'web:1', resources },
  ]
  const pod = podObject(snapshot({ log: running, web: { ...running, user } }, { initContainers: [], containers }))
  const [log, web] = pod.status.containerStatuses ?? []
  assert.deepEqual(web?.user, { linux: user })
  assert.deepEqual(web?.allocatedResources, { cpu: '500m' })
  assert.deepEqual(web?.resources, resources)
  assert.deepEqual([log?.allocatedResources, log?.resources, log?.user], [undefined, {}, undefined])
})

test('a debug container is a change of the pod, and is never ready', () => {
  const base = snapshot({ web: running }, { initContainers: [], containers: [{ name: 'web', image: 'web:1' }] })
  const debug = { ...base.plan.members[0]!, name: 'debug', role: 'ephemeral' as const }
  const containers = { ...base.containers, debug: { ...base.containers.web!, id: 'id-debug' } }
  const pod = podObject({ ...base, plan: { ...base.plan, members: [...base.plan.members, debug] }, containers })
  assert.equal(podObject(base).metadata.generation, 1)
  assert.deepEqual([pod.metadata.generation, pod.status.observedGeneration], [2, 2])
  assert.ok(pod.status.conditions?.every(item => item.observedGeneration === 2))
  const [status] = pod.status.ephemeralContainerStatuses ?? []
  assert.deepEqual([status?.ready, status?.started, Object.keys(status?.state ?? {})], [false, undefined, ['running']])
  assert.equal(condition(pod, 'Ready')?.status, 'True')
})

test('the pods of a Job have the labels by which its selector finds them', () => {
  const base = snapshot({ web: running })
  const ofJob = { ...base, plan: { ...base.plan, owner: { kind: 'Job', name: 'j' } }, ownerUid: 'u-9' }
  const { labels } = podObject(ofJob).metadata
  assert.equal(labels?.['batch.kubernetes.io/controller-uid'], 'u-9')
  assert.equal(labels?.['controller-uid'], 'u-9')
  assert.equal(podObject({ ...base, ownerUid: 'u-9' }).metadata.labels?.['controller-uid'], undefined)
})

test('how the run before the last one ended', () => {
  const previous = { id: 'old', exitCode: 137, oomKilled: false, finishedAt: ENDED, reason: 'RestartingAllContainers' }
  const pod = podObject(snapshot({ ...settled, web: { ...running, restarts: 1, previous } }))
  const web = pod.status.containerStatuses?.find(({ name }) => name === 'web')
  assert.equal(web?.lastState?.terminated?.reason, 'RestartingAllContainers')
})

test('a pod is not over while its sidecar is still being stopped', () => {
  const over = { ...settled, web: done, log: done }
  assert.equal(podObject(snapshot(over, { restartPolicy: 'Never' })).status.phase, 'Running')
  assert.equal(podObject(snapshot({ ...over, proxy: failed }, { restartPolicy: 'Never' })).status.phase, 'Succeeded')
})

test('the phase follows the policies and rules of the containers themselves', () => {
  const phase = (podPolicy: string, container: Partial<V1Container>, web: Partial<ContainerSnapshot>) =>
    podObject(
      snapshot(
        { web },
        {
          restartPolicy: podPolicy,
          initContainers: [],
          containers: [{ name: 'web', image: 'web:1', ...container }],
        },
      ),
    ).status.phase
  const waiting = { ...failed, restarts: 2, waiting: { reason: 'CrashLoopBackOff' } }
  const rule = (action: string) => ({
    restartPolicy: 'Never',
    restartPolicyRules: [{ action, exitCodes: { operator: 'In', values: [3] } }],
  })
  assert.equal(phase('Never', { restartPolicy: 'Always' }, waiting), 'Running')
  assert.equal(phase('Never', { restartPolicy: 'Always' }, done), 'Running')
  assert.equal(phase('Always', { restartPolicy: 'Never' }, failed), 'Failed')
  assert.equal(phase('Always', { restartPolicy: 'OnFailure' }, done), 'Succeeded')
  assert.equal(phase('Never', rule('Restart'), failed), 'Running')
  assert.equal(phase('Never', rule('RestartAllContainers'), failed), 'Running')
  assert.equal(phase('Never', rule('Restart'), { ...failed, end: { ...failed.end, exitCode: 4 } }), 'Failed')
})

test('a pod that was initialized stays so while its sidecar is started again', () => {
  const proxy = { ...failed, waiting: { reason: 'CrashLoopBackOff' } }
  const pod = podObject(snapshot({ ...settled, proxy }))
  assert.equal(condition(pod, 'Initialized')?.status, 'True')
  assert.equal(pod.status.phase, 'Running')
  assert.equal(condition(pod, 'Ready')?.message, 'containers with unready status: [proxy]')
})

test('a pod that begins anew for the sake of one container says so', () => {
  const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [3] } }]
  const containers = [{ name: 'web', image: 'web:1', restartPolicyRules: rules }]
  const of = (web: Partial<ContainerSnapshot>) =>
    condition(podObject(snapshot({ web }, { initContainers: [], containers })), 'AllContainersRestarting')
  assert.deepEqual(of(running), { status: 'False', reason: undefined, message: undefined })
  assert.deepEqual(of(failed), {
    status: 'True',
    reason: 'RestartAllContainersStarted',
    message: 'container exited with restart policy rule',
  })
})

test('statuses as kubectl prints them', () => {
  const row = (containers: Containers, spec: Partial<V1PodSpec> = {}, change: Partial<PodSnapshot> = {}) =>
    podRow(podObject(snapshot({ ...settled, ...containers }, spec, change)))
  assert.equal(row({ web: done, log: done }, { restartPolicy: 'Never' }).status, 'Completed')
  assert.deepEqual(row({ web: failed }), { ready: '2/3', status: 'Error', restarts: 0 })
  assert.equal(row({ web: done }, { restartPolicy: 'Never' }).status, 'NotReady')
  assert.equal(row({ web: { ...failed, end: { ...failed.end, oomKilled: true } } }).status, 'OOMKilled')
  assert.equal(row({}, {}, { removing: true }).status, 'Terminating')
  const waiting = { state: 'exited', restarts: 4, waiting: { reason: 'CrashLoopBackOff' } } as const
  const previous = { id: 'old', exitCode: 1, oomKilled: false, finishedAt: ENDED }
  assert.deepEqual(row({ web: { ...waiting, previous } }), {
    ready: '2/3',
    status: 'CrashLoopBackOff',
    restarts: 4,
    lastRestart: '2026-01-02T03:04:09Z',
  })
})

test('a readiness probe without an answer is not ready; a startup probe has not started', () => {
  const probe = { exec: { command: ['true'] } }
  const ready = podObject(
    snapshot(
      { web: running },
      { initContainers: [], containers: [{ name: 'web', image: 'web:1', readinessProbe: probe }] },
    ),
  )
  assert.deepEqual(condition(ready, 'ContainersReady'), {
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [web]',
  })
  assert.equal(ready.status.containerStatuses?.[0]?.started, true)
  const startup = podObject(
    snapshot(
      { web: running },
      { initContainers: [], containers: [{ name: 'web', image: 'web:1', startupProbe: probe }] },
    ),
  )
  assert.equal(startup.status.containerStatuses?.[0]?.started, false)
  assert.equal(startup.status.containerStatuses?.[0]?.ready, false)
})

test('a process that vanished', () => {
  const pod = podObject(snapshot({ ...settled, web: { state: 'broken', startedAt: STARTED } }))
  const state = pod.status.containerStatuses?.find(status => status.name === 'web')?.state
  assert.equal(state?.terminated?.reason, 'ContainerStatusUnknown')
  assert.equal(state?.terminated?.exitCode, 137)
})

test('a pod whose sandbox is gone is not told as ready, though its containers run', () => {
  const pod = podObject(snapshot(settled, {}, { sandboxReady: false, sandboxLost: true }))
  assert.equal(pod.status.reason, 'SandboxChanged')
  for (const type of ['Ready', 'ContainersReady'])
    assert.deepEqual(condition(pod, type), {
      status: 'False',
      reason: 'SandboxChanged',
      message: 'Pod sandbox changed, it will be killed and re-created.',
    })
  assert.equal(podRow(pod).status, 'SandboxChanged')
})

test('a pod that succeeded keeps its conditions', () => {
  const pod = podObject(snapshot({ ...settled, web: done, log: done, proxy: done }, { restartPolicy: 'Never' }))
  assert.deepEqual(condition(pod, 'Ready'), { status: 'False', reason: 'PodCompleted', message: undefined })
  assert.equal(condition(pod, 'Initialized')?.status, 'True')
})
