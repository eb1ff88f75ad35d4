import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lacking } from '../support/need.ts'

const MODULE = fileURLToPath(new URL('../../src/host/network/forwarding.ts', import.meta.url))

/** Runs in a network namespace of its own; what its FORWARD chain holds after each step. */
function steps(policy: 'drop' | 'accept', calls: readonly string[]): readonly string[] {
  const code = `
    import { execFileSync } from 'node:child_process'
    const { allowForwarding, forgetForwarding } = await import(${JSON.stringify(MODULE)})
    execFileSync('iptables', ['-P', 'FORWARD', '${policy.toUpperCase()}'])
    const seen = []
    for (const step of [${calls.join(', ')}]) {
      await step('kube-t3st')
      seen.push(execFileSync('iptables', ['-S', 'FORWARD'], { encoding: 'utf8' }))
    }
    console.log(JSON.stringify(seen))`
  const args = ['--net', process.execPath, '--input-type=module', '-e', code]
  return JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' })) as readonly string[]
}

test('where nothing is forwarded by default, pods are, once, until the network goes', {
  skip: lacking('iptables', 'nft', 'unshare'),
}, () => {
  const [once, twice, gone, still] = steps('drop', [
    'allowForwarding',
    'allowForwarding',
    'forgetForwarding',
    'forgetForwarding',
  ])
  assert.match(once!, /^-A FORWARD -i kube-t3st -j ACCEPT$/m)
  assert.match(once!, /^-A FORWARD -o kube-t3st -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT$/m)
  assert.equal(twice, once)
  assert.equal(gone, '-P FORWARD DROP\n')
  assert.equal(still, gone)
})

test('where everything is forwarded, nothing changes', { skip: lacking('iptables', 'nft', 'unshare') }, () => {
  assert.deepEqual(steps('accept', ['allowForwarding', 'forgetForwarding']), [
    '-P FORWARD ACCEPT\n',
    '-P FORWARD ACCEPT\n',
  ])
})
