import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { layoutOf, vethName } from '../../src/host/layout.ts'
import { openBridgeNetwork } from '../../src/host/network/bridge-network.ts'
import type { PublishedPort } from '../../src/host/network/ruleset.ts'
import { withNetns } from '../../src/host/sys/libc.ts'
import { freePort, ownNumber } from '../support/free-ports.ts'
import { lacking } from '../support/need.ts'

/** Such a test may be under way elsewhere on the machine. */
const NUMBER = await ownNumber('subnet', 0, 256)
const PREFIX = `10.252.${NUMBER}`
const BRIDGE = `kube-t${NUMBER}`
const SUBNET = { base: `${PREFIX}.0`, prefix: 24 }

interface Link {
  readonly ifname: string
  readonly master?: string
  readonly operstate: string
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly broadcast?: string }[]
}

function ip(...args: readonly string[]): readonly Link[] {
  return JSON.parse(execFileSync('ip', ['-j', ...args], { encoding: 'utf8' })) as readonly Link[]
}

describe('bridge network', { skip: lacking('nft', 'ip', 'nsenter', 'unshare') }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'kube-net-'))
  const uid = randomUUID()
  const address = `${PREFIX}.7`
  const published: PublishedPort[] = []
  const network = openBridgeNetwork({
    layout: layoutOf({ root: dir, runroot: dir }),
    bridge: BRIDGE,
    table: BRIDGE,
    subnet: SUBNET,
    publishedPorts: () => published,
    mayChange: () => true,
  })
  let pod: ChildProcess

  before(async () => {
    pod = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(pod.stdout!, 'data')
  })
  after(async () => {
    pod.kill('SIGKILL')
    await network.detach(uid)
    await network.remove()
    network.close()
    rmSync(dir, { recursive: true })
  })

  test('attach makes link, address and default route', async () => {
    await network.attach(uid, pod.pid!, address)
    assert.ok(network.isAttached(uid))
    const [outside] = ip('addr', 'show', 'dev', vethName(uid))
    assert.equal(outside?.master, BRIDGE)
    const [bridge] = ip('addr', 'show', 'dev', BRIDGE)
    assert.deepEqual(
      bridge?.addr_info.filter(a => a.local.includes('.')).map(a => [a.local, a.prefixlen]),
      [[`${PREFIX}.1`, 24]],
    )
    const inside = (...args: string[]) =>
      JSON.parse(execFileSync('nsenter', ['-t', String(pod.pid), '-n', 'ip', '-j', ...args], { encoding: 'utf8' }))
    const links = inside('addr') as readonly Link[]
    const eth0 = links.find(link => link.ifname === 'eth0')
    assert.deepEqual(
      eth0?.addr_info.filter(a => a.local.includes('.')).map(a => [a.local, a.prefixlen, a.broadcast]),
      [[address, 24, `${PREFIX}.255`]],
    )
    assert.ok(links.find(link => link.ifname === 'lo')?.addr_info.some(a => a.local === '127.0.0.1'))
    const routes = inside('route') as readonly {
      readonly dst: string
      readonly gateway?: string
      readonly dev: string
    }[]
    assert.ok(routes.some(route => route.dst === 'default' && route.gateway === `${PREFIX}.1` && route.dev === 'eth0'))
  })

  test('a published port leads from 127.0.0.1 and from the machine address to the pod', async () => {
    const hostPort = await freePort()
    published.push({ protocol: 'TCP', hostIp: '', hostPort, podIp: address, containerPort: 8080 })
    await network.publish()
    const server = createServer(socket => socket.end('hello from the pod'))
    // A listening socket stays in the namespace it was made in; without a host name it is made at once.
    withNetns(`/proc/${pod.pid}/ns/net`, () => server.listen(8080))
    await once(server, 'listening')
    try {
      for (const host of ['127.0.0.1', `${PREFIX}.1`])
        assert.equal(await fetchText(host, hostPort), 'hello from the pod')
      // The pod itself as well, whether bridges call iptables on this machine or not.
      const script = `require('node:net').connect(${hostPort}, '${PREFIX}.1').pipe(process.stdout)`
      const args = ['-t', String(pod.pid), '-n', process.execPath, '-e', script]
      const { stdout } = await promisify(execFile)('nsenter', args, { timeout: 10_000 })
      assert.equal(stdout, 'hello from the pod')
    } finally {
      server.close()
    }
    published.pop()
    await network.publish()
    await assert.rejects(fetchText('127.0.0.1', hostPort), { code: 'ECONNREFUSED' })
  })

  test("another program's link of the bridge's name is refused and left alone", async () => {
    await network.detach(uid)
    await network.remove()
    execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'veth', 'peer', 'name', `${BRIDGE}-peer`])
    try {
      await assert.rejects(network.attach(uid, pod.pid!, address), { code: 'LinkNameTaken' })
      await network.publish()
      await network.remove()
      assert.deepEqual(ip('addr', 'show', 'dev', BRIDGE)[0]?.addr_info, [])
    } finally {
      execFileSync('ip', ['link', 'delete', BRIDGE])
    }
    await network.attach(uid, pod.pid!, address)
  })

  test('a bridge that another command took away with its last pod is made again', async () => {
    await network.detach(uid)
    execFileSync('ip', ['link', 'delete', BRIDGE])
    await network.attach(uid, pod.pid!, address)
    assert.equal(ip('addr', 'show', 'dev', vethName(uid))[0]?.master, BRIDGE)
  })

  test('what someone else took away is put back', async () => {
    const hostPort = await freePort()
    published.push({ protocol: 'TCP', hostIp: '', hostPort, podIp: address, containerPort: 8080 })
    await network.publish()
    execFileSync('nft', ['delete', 'table', 'ip', BRIDGE])
    execFileSync('ip', ['link', 'set', vethName(uid), 'nomaster'])
    await network.repair([uid])
    assert.equal(ip('link', 'show', 'dev', vethName(uid))[0]?.master, BRIDGE)
    assert.match(
      execFileSync('nft', ['list', 'table', 'ip', BRIDGE], { encoding: 'utf8' }),
      new RegExp(`${hostPort} : ${address.replaceAll('.', '\\.')} \\. 8080`),
    )
    published.pop()
    await network.publish()
  })

  test('detach and remove leave nothing, and do so twice', async () => {
    for (let i = 0; i < 2; i++) {
      await network.detach(uid)
      assert.ok(!network.isAttached(uid))
      await network.remove()
      assert.ok(!ip('link').some(link => link.ifname === BRIDGE || link.ifname === vethName(uid)))
      const tables = JSON.parse(execFileSync('nft', ['-j', 'list', 'tables'], { encoding: 'utf8' })) as {
        readonly nftables: readonly { readonly table?: { readonly name: string } }[]
      }
      assert.ok(!tables.nftables.some(item => item.table?.name === BRIDGE))
    }
  })
})

async function fetchText(host: string, port: number): Promise<string> {
  const socket = createConnection({ host, port })
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  await once(socket, 'end')
  return text
}
