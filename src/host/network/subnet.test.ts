import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSubnet, contains, gatewayOf, nextFree, overlaps, parseRoutes, parseSubnet } from './subnet.ts'

test('the gateway is the first address', () => {
  assert.equal(gatewayOf(parseSubnet('10.77.0.0/16')), '10.77.0.1')
})

test('networks contain and overlap', () => {
  const subnet = parseSubnet('10.77.0.0/16')
  assert.ok(contains(subnet, '10.77.255.254'))
  assert.ok(!contains(subnet, '10.78.0.1'))
  assert.ok(overlaps(subnet, parseSubnet('10.0.0.0/8')))
  assert.ok(overlaps(parseSubnet('10.0.0.0/8'), subnet))
  assert.ok(!overlaps(subnet, parseSubnet('10.78.0.0/16')))
})

test('leases go on after the last one, around the end, past what is used, and end when all are', () => {
  const subnet = parseSubnet('10.0.0.0/29')
  assert.equal(nextFree(subnet, new Set(), undefined), '10.0.0.2')
  assert.equal(nextFree(subnet, new Set(['10.0.0.3']), '10.0.0.2'), '10.0.0.4')
  assert.equal(nextFree(subnet, new Set(), '10.0.0.6'), '10.0.0.2')
  const all = new Set([2, 3, 4, 5, 6].map(n => `10.0.0.${n}`))
  assert.equal(nextFree(subnet, all, '10.0.0.4'), undefined)
})

test('a lease never is the network, the gateway or the broadcast address', () => {
  const subnet = parseSubnet('10.0.0.0/29')
  const seen = new Set<string>()
  for (let at = nextFree(subnet, seen, undefined); at !== undefined; at = nextFree(subnet, seen, at)) seen.add(at)
  assert.deepEqual([...seen].sort(), ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
})

const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t00004D0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`

test('a network that a route of the machine touches is not chosen', () => {
  const routes = parseRoutes(ROUTES)
  assert.deepEqual(routes, [
    { base: '192.168.0.0', prefix: 16 },
    { base: '10.77.0.0', prefix: 16 },
  ])
  assert.deepEqual(chooseSubnet(routes, 0), { base: '10.78.0.0', prefix: 16 })
  assert.equal(chooseSubnet([{ base: '10.0.0.0', prefix: 8 }], 0), undefined)
})
