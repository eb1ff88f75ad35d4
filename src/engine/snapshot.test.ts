import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readManifests } from '../manifest/read.ts'
import { planApp } from '../plan/plan-app.ts'
import { NEW_LIFE } from '../reconcile/lifecycle.ts'
import { podObject } from '../status/pod-object.ts'
import { podRow } from '../status/pod-row.ts'
import { type FakeHost, fakeHost } from './fake-host.ts'
import { play } from './play.ts'
import type { Host } from './ports.ts'
import { beginRun, keepUp } from './run-loop.ts'
import { snapshotPod } from './snapshot.ts'

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec: { containers: [{ name: web, image: busybox:1, command: [httpd] }] }
`

const AT_ONCE = { initialMs: 0, maxMs: 0, resetMs: 600_000 }

async function playedPod(host: FakeHost): Promise<string> {
  const { objects } = await readManifests([{ name: 'web.yaml', text: POD }], { namespace: 'default' })
  const { pods } = planApp(objects)
  const { created } = await play({ app: 'web', source: '/web.yaml', objects: [], plans: pods }, { host })
  return created[0]!.uid
}

/** Status, restarts and the container's id as whoever looks sees them, each once, while the container is started again. */
async function seenInRestart(host: FakeHost, uid: string): Promise<readonly string[]> {
  const seen: string[] = []
  const look = () => {
    const pod = podObject(snapshotPod(host, host.state.pod(uid)!))
    const { status, restarts } = podRow(pod)
    const { containerID, lastState } = pod.status.containerStatuses![0]!
    const words = `${status} ${restarts} ${containerID} after ${lastState?.terminated?.exitCode}`
    if (seen.at(-1) !== words) seen.push(words)
  }
  /** Looks around each effect. */
  const watched = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const effect = target[name as keyof T]
        if (typeof effect !== 'function' || name === 'observe' || name === 'isAlive') return effect
        return async (...args: readonly unknown[]) => {
          look()
          const result = await Reflect.apply(effect, target, args)
          look()
          return result
        }
      },
    })
  const machine: Host = { ...host, runtime: watched(host.runtime) }
  await keepUp(beginRun({ host: machine, onAction: look }), host.state.pod(uid)!, AT_ONCE)
  return seen
}

test('a container that is started again is told as it ended until it runs', async () => {
  const host = fakeHost()
  const uid = await playedPod(host)
  host.exit(uid, 'web', 3)
  assert.deepEqual(await seenInRestart(host, uid), [
    `Error 0 crun://${uid}/web/0 after undefined`,
    `Running 1 crun://${uid}/web/1 after 3`,
  ])
})

test('one that waited for that is told as waiting until it runs', async () => {
  const host = fakeHost()
  const uid = await playedPod(host)
  host.exit(uid, 'web', 3)
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off' }
  host.state.setLifecycle(uid, 'web', 0, { ...NEW_LIFE, waiting })
  assert.deepEqual(await seenInRestart(host, uid), [
    `CrashLoopBackOff 0 crun://${uid}/web/0 after 3`,
    `Running 1 crun://${uid}/web/1 after 3`,
  ])
})
