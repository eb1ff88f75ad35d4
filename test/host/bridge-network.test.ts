import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { layoutOf, vethName } from '../../src/host/layout.ts'
import { openBridgeNetwork } from '../../src/host/network/bridge-network.ts'
import { openRouteSocket } from '../../src/host/network/netlink-socket.ts'
import { deleteLink, getLink, RTM } from '../../src/host/network/rtnetlink-message.ts'
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
    addresses: () => [{ uid, address }],
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

  const inPod = (command: string) => execFileSync('nsenter', ['-t', String(pod.pid), '-n', 'sh', '-ec', command])

  test('a pod sends from its own address, by its own hardware address, IPv4 only', async () => {
    inPod(`ip address add ${PREFIX}.9/24 dev eth0`)
    const mac = /ether ([0-9a-f:]+)/.exec(String(inPod('ip link show eth0')))![1]
    using heard = await hear('0.0.0.0')
    const send = (text: string, from: string) => sendFrom(pod, text, from, `${PREFIX}.1`, heard.port)
    await send('own', address)
    await send('of another pod', `${PREFIX}.9`)
    inPod(`ip link set eth0 down; ip link set eth0 address 0a:58:00:00:00:09; ip link set eth0 up`)
    inPod(
      `ip route replace default via ${PREFIX}.1; ip neigh replace ${PREFIX}.1 lladdr ${readFileSync(`/sys/class/net/${BRIDGE}/address`, 'utf8').trim()} dev eth0`,
    )
    await send('by another link', address)
    inPod(`ip link set eth0 down; ip link set eth0 address ${mac}; ip link set eth0 up`)
    inPod(`ip route replace default via ${PREFIX}.1; ip address del ${PREFIX}.9/24 dev eth0`)
    await send('last', address)
    assert.deepEqual(await heard.until('last'), ['own', 'last'])
    assert.deepEqual(
      ip('addr', 'show', 'dev', BRIDGE)[0]?.addr_info.filter(a => a.local.includes(':')),
      [],
    )
    assert.match(String(inPod('ip -o address show')), /^1: lo\s+inet6 ::1/m)
    assert.doesNotMatch(String(inPod('ip -o address show dev eth0')), /inet6/)
  })

  test("the machine's own 127.0.0.1 is not reached from a pod", async () => {
    using heard = await hear('127.0.0.1')
    using open = await hear('0.0.0.0')
    // What the pod's kernel would not send by itself.
    const rule = `ip daddr set 127.0.0.1`
    inPod(
      `nft 'table netdev t { chain e { type filter hook egress device eth0 priority 0; udp dport ${heard.port} ${rule}; }; }'`,
    )
    await sendFrom(pod, 'within', address, `${PREFIX}.1`, heard.port)
    await sendFrom(pod, 'last', address, `${PREFIX}.1`, open.port)
    assert.deepEqual(await open.until('last'), ['last'])
    assert.deepEqual(heard.texts, [])
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
    execFileSync('nft', ['delete', 'table', 'bridge', BRIDGE])
    execFileSync('ip', ['link', 'set', vethName(uid), 'nomaster'])
    await network.repair([uid])
    assert.equal(ip('link', 'show', 'dev', vethName(uid))[0]?.master, BRIDGE)
    assert.match(
      execFileSync('nft', ['list', 'table', 'ip', BRIDGE], { encoding: 'utf8' }),
      new RegExp(`${hostPort} : ${address.replaceAll('.', '\\.')} \\. 8080`),
    )
    assert.match(
      execFileSync('nft', ['list', 'table', 'bridge', BRIDGE], { encoding: 'utf8' }),
      new RegExp(`"${vethName(uid)}" \\. [0-9a-f:]+ \\. ${address.replaceAll('.', '\\.')}`),
    )
    published.pop()
    await network.publish()
  })

  test('hundreds of requests at once are all answered', async () => {
    const socket = openRouteSocket()
    try {
      // The kernel's answers to so many would not fit into the socket's buffer at once.
      for (let i = 0; i < 1000; i++) socket.request(RTM.GETLINK, getLink('lo'))
      assert.throws(() => socket.request(RTM.DELLINK, deleteLink('none-such')), { code: 'ENODEV' })
      await Promise.all(Array.from({ length: 1000 }, () => network.detach(randomUUID())))
    } finally {
      socket[Symbol.dispose]()
    }
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

/** Listens for datagrams. */
async function hear(host: string) {
  const socket = createSocket('udp4')
  const texts: string[] = []
  const waiting = new EventEmitter()
  socket.on('message', bytes => {
    texts.push(String(bytes))
    waiting.emit(String(bytes))
  })
  socket.bind(0, host)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    texts,
    async until(text: string) {
      if (!texts.includes(text)) await once(waiting, text, { signal: AbortSignal.timeout(10_000) })
      return texts
    },
    [Symbol.dispose]: () => void socket.close(),
  }
}

/** Sends a datagram from an address that a pod gave itself, perhaps. */
async function sendFrom(pod: ChildProcess, text: string, from: string, to: string, port: number): Promise<void> {
  const script = `const s = require('node:dgram').createSocket('udp4')
    s.bind(0, '${from}', () => s.send('${text}', ${port}, '${to}', () => s.close()))`
  await promisify(execFile)('nsenter', ['-t', String(pod.pid), '-n', process.execPath, '-e', script], {
    timeout: 10_000,
  })
}

async function fetchText(host: string, port: number): Promise<string> {
  const socket = createConnection({ host, port })
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  await once(socket, 'end')
  return text
}
