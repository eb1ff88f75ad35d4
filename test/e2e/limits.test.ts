/** Numbers that nobody means. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'
import { pod } from '../support/objects.ts'

describe('numbers that nobody means', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  test('a workload is not scaled beyond what a machine has room for', () => {
    const labels = { app: 'many' }
    const containers = [{ name: 'main', image: IMAGE, command: ['sleep', '1000'] }]
    const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers } }
    const spec = { replicas: 1, selector: { matchLabels: labels }, template }
    kube.play('many', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'many' }, spec })
    const { status, stderr } = kube.run('scale', 'deployment/many', '--replicas=1000000')
    assert.equal(status, 2)
    assert.match(stderr, /deployment.apps\/many: .* 1023 pods/)
    assert.equal(kube.get('deployment', 'many').spec.replicas, 1)
    kube.down('many')
  })

  test('a memory limit without its unit is guessed at, and leaves nothing', () => {
    const limits = { memory: 128 }
    assert.match(kube.playFails('tiny', pod('tiny', { container: { resources: { limits } } })), /128 bytes .* 128Mi/)
    assert.equal(kube.run('get', 'pod', 'tiny').status, 1)
    assert.doesNotMatch(kube.ok('system', 'prune'), /removed/)
  })

  test('limits that no machine reaches are none', () => {
    kube.play('vast', pod('vast', { container: { resources: { limits: { memory: '1e999', cpu: '1e999' } } } }))
    assert.equal(kube.sh('vast', 'echo here'), 'here')
    kube.down('vast')
  })

  test('the largest integer that Kubernetes has is "without end", and keeps its digits', () => {
    const endless = '9223372036854775807'
    const text = `
apiVersion: v1
kind: Pod
metadata: {name: endless}
spec:
  terminationGracePeriodSeconds: ${endless}
  containers:
  - {name: main, image: ${IMAGE}, imagePullPolicy: Never, command: [sh, -c, 'trap "exit 0" TERM; touch /tmp/up; sleep 1000 & wait']}
`
    kube.runWith(text, 'play', '--app', 'endless', '-')
    for (const command of [
      ['get', 'pod', 'endless', '-o', 'yaml'],
      ['get', 'pod', 'endless', '-o', 'json'],
      ['generate', 'endless'],
      ['generate', 'endless', '-o', 'json'],
    ])
      assert.match(kube.ok(...command), new RegExp(`"?terminationGracePeriodSeconds"?: ${endless}\\b`))
    const path = '-o=jsonpath={.spec.terminationGracePeriodSeconds}'
    assert.equal(kube.ok('get', 'pod', 'endless', path), endless)
    kube.sh('endless', 'until [ -e /tmp/up ]; do sleep 0.1; done')
    // With its own grace period.
    assert.equal(kube.ok('down', 'endless'), 'pod/endless removed\n')
  })
})
