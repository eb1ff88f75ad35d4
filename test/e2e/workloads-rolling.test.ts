/** Rolling updates on the machine, as a client sees them. In real time. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, suite, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { IMAGE } from '../support/instance.ts'
import { type Kube, useKube } from '../support/kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { readyPods } from '../support/object-views.ts'

const REPLICAS = 20
const MAX_SURGE = 4
const MAX_UNAVAILABLE = 2

/** Serves its version; it goes on serving for a moment after it was told to end, as clients need it. */
function web(version: string, replicas = REPLICAS): string {
  const script = `mkdir /www; echo ${version} >/www/index.html; exec httpd -f -p 8080 -h /www`
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', annotations: { 'kubernetes.io/change-cause': `version ${version}` } },
    spec: {
      replicas,
      strategy: { rollingUpdate: { maxSurge: MAX_SURGE, maxUnavailable: MAX_UNAVAILABLE } },
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [
            {
              name: 'web',
              image: IMAGE,
              imagePullPolicy: 'Never',
              command: ['sh', '-c', script],
              readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
              lifecycle: { preStop: { sleep: { seconds: 1 } } },
            },
          ],
        },
      },
    },
  })
}

suite('rolling update', { skip: cannotRunPods }, () => {
  const kube = useKube()
  before(async () => {
    await kube.play('web', web('1'))
    await kube.ok(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  })

  const pods = () => kube.list('pods', 'app=web')

  /** Looks and asks until `done`, as often as the machine allows; how few pods were ready and how many there were, and what went wrong. */
  async function watch(done: Promise<unknown>) {
    let over = false
    const end = () => {
      over = true
    }
    void done.then(end, end)
    const seen = { least: REPLICAS, most: 0, failures: [] as string[], looks: 0 }
    while (!over) {
      seen.looks++
      const all = await pods()
      const ready = readyPods(all)
      seen.least = Math.min(seen.least, ready.length)
      seen.most = Math.max(seen.most, all.filter(pod => pod.metadata.deletionTimestamp === undefined).length)
      await Promise.all(
        ready.map(async ({ metadata, status }) => {
          try {
            const response = await fetch(`http://${status.podIP}:8080/`, { signal: AbortSignal.timeout(2000) })
            await response.text()
          } catch (error) {
            seen.failures.push(`${metadata.name}: ${String(error)}`)
          }
        }),
      )
    }
    await done
    return seen
  }

  test(`of ${REPLICAS} pods never fewer are ready than promised, and no request fails`, async () => {
    await kube.play('web', web('2'))
    const seen = await watch(kube.ok(['rollout', 'status', 'deployment/web', '--timeout=120s']))
    assert.ok(seen.least >= REPLICAS - MAX_UNAVAILABLE, `only ${seen.least} were ready`)
    assert.ok(seen.most <= REPLICAS + MAX_SURGE, `there were ${seen.most}`)
    assert.deepEqual(seen.failures, [])
    assert.ok(seen.looks > 1, `${seen.looks} looks`)
    const ready = readyPods(await pods())
    assert.equal(ready.length, REPLICAS)
    const texts = await Promise.all(
      ready.map(async ({ status }) => (await fetch(`http://${status.podIP}:8080/`)).text()),
    )
    assert.deepEqual(new Set(texts), new Set(['2\n']))
  })

  test('a supervisor that is killed again and again loses nothing', async () => {
    await kube.ok(['rollout', 'undo', 'deployment/web'])
    const killing = (async () => {
      for (let kills = 0; kills < 5; kills++) {
        await eventually(async () => assert.notEqual(supervisorPid(kube), undefined))
        process.kill(supervisorPid(kube)!, 'SIGKILL')
        // Any command starts the next one.
        await kube.ok(['get', 'pods'])
        await kube.ok(['scale', 'deployment/web', `--replicas=${REPLICAS}`])
      }
      await kube.ok(['rollout', 'status', 'deployment/web', '--timeout=120s'])
    })()
    const seen = await watch(killing)
    assert.ok(seen.least >= REPLICAS - MAX_UNAVAILABLE, `only ${seen.least} were ready`)
    assert.deepEqual(seen.failures, [])
    await eventually(async () => assert.equal((await pods()).length, REPLICAS))
    const answers = await Promise.all(
      (await pods()).map(async ({ status }) => (await fetch(`http://${status.podIP}:8080/`)).text()),
    )
    assert.deepEqual(new Set(answers), new Set(['1\n']))
  })
})

function supervisorPid(kube: Kube): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(`${kube.runroot}/supervisor.pid`, 'utf8'), 10)
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}
