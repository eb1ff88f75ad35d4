import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1PodSpec } from '@kubernetes/client-node'
import { FACTS, MACHINE, planOf, podOf } from './fixture.ts'
import { hostsFile, resolvConf, sandboxFiles } from './sandbox-files.ts'

const dns = { nameservers: ['10.88.0.1'], domain: 'cluster.local' }

function hosts(spec: Partial<V1PodSpec>, ips = ['10.88.0.7']) {
  return hostsFile(planOf(podOf({}, spec)), ips, { ...MACHINE, hostsFile: '127.0.0.1\tmachine\n' })
}

function resolv(spec: Partial<V1PodSpec>, server = dns) {
  return resolvConf(planOf(podOf({}, spec)), MACHINE, server)
}

const header = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`

test('hosts as the kubelet writes it', () => {
  assert.equal(hosts({}), `${header}10.88.0.7\tweb\n`)
})

test('hosts: each address, the domain of a subdomain, the hostname, the aliases', () => {
  const spec = {
    hostname: 'h',
    subdomain: 'sub',
    hostAliases: [
      { ip: '1.2.3.4', hostnames: ['a', 'b'] },
      { ip: '5.6.7.8', hostnames: ['c'] },
    ],
  }
  assert.equal(
    hosts(spec, ['10.88.0.7', 'fd00::7']),
    `${header}10.88.0.7\th.sub.default.svc.cluster.local\th
fd00::7\th.sub.default.svc.cluster.local\th

# Entries added by HostAliases.
1.2.3.4\ta\tb
5.6.7.8\tc
`,
  )
})

test("hosts on the machine's network is the machine's file", () => {
  assert.equal(hosts({ hostNetwork: true }), '# Kubernetes-managed hosts file (host network).\n127.0.0.1\tmachine\n')
})

test('resolv.conf with cluster DNS', () => {
  assert.equal(
    resolv({}),
    `search default.svc.cluster.local svc.cluster.local cluster.local example.com
nameserver 10.88.0.1
options ndots:5
`,
  )
  assert.equal(resolv({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), resolv({}))
})

test('resolv.conf of the machine: policy Default, hostNetwork, or no cluster DNS', () => {
  const machine = 'search example.com\nnameserver 198.51.100.53\noptions timeout:2\n'
  assert.equal(resolv({ dnsPolicy: 'Default' }), machine)
  assert.equal(resolv({ hostNetwork: true }), machine)
  assert.equal(resolv({}, { nameservers: [], domain: 'cluster.local' }), machine)
})

test('resolv.conf: dnsConfig alone with policy None, added to the rest otherwise', () => {
  const dnsConfig = {
    nameservers: ['10.0.0.1', '10.0.0.1'],
    searches: ['x.test', 'example.com'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  }
  assert.equal(
    resolv({ dnsPolicy: 'None', dnsConfig }),
    'search x.test example.com\nnameserver 10.0.0.1\noptions ndots:2 edns0\n',
  )
  assert.equal(
    resolv({ dnsConfig }),
    `search default.svc.cluster.local svc.cluster.local cluster.local example.com x.test
nameserver 10.88.0.1
nameserver 10.0.0.1
options ndots:2 edns0
`,
  )
})

test('resolv.conf keeps at most 3 name servers and 32 searches', () => {
  const nameservers = ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4']
  const searches = Array.from({ length: 40 }, (_, i) => `s${i}.test`)
  const lines = resolv({ dnsPolicy: 'None', dnsConfig: { nameservers, searches } }).split('\n')
  assert.equal(lines[0]?.split(' ').length, 33)
  assert.equal(lines.filter(line => line.startsWith('nameserver')).length, 3)
})

test("the host name file has the machine's name on the machine's network", () => {
  assert.equal(sandboxFiles(planOf(podOf()), FACTS, MACHINE).hostname, 'web\n')
  assert.equal(sandboxFiles(planOf(podOf({}, { hostNetwork: true })), FACTS, MACHINE).hostname, 'node-1\n')
})
