import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holds, parseSockets } from './listening-ports.ts'

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0100007F:8AE2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3 1
`
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A
`

test('listening sockets are read, connections are not', () => {
  assert.deepEqual(parseSockets(TCP, 'TCP'), [
    { protocol: 'TCP', address: '127.0.0.1', port: 8080 },
    { protocol: 'TCP', address: '', port: 22 },
  ])
  assert.deepEqual(parseSockets(TCP6, 'TCP'), [
    { protocol: 'TCP', address: '', port: 80 },
    { protocol: 'TCP', address: 'IPv6', port: 8081 },
  ])
})

test('a listener on one address is in the way of all addresses and of the same one', () => {
  const local = { protocol: 'TCP', address: '127.0.0.1', port: 8080 } as const
  assert.ok(holds(local, { protocol: 'TCP', hostIp: '', hostPort: 8080 }))
  assert.ok(holds(local, { protocol: 'TCP', hostIp: '127.0.0.1', hostPort: 8080 }))
  assert.ok(!holds(local, { protocol: 'TCP', hostIp: '192.0.2.1', hostPort: 8080 }))
  assert.ok(!holds(local, { protocol: 'UDP', hostIp: '', hostPort: 8080 }))
  assert.ok(!holds({ ...local, address: 'IPv6' }, { protocol: 'TCP', hostIp: '', hostPort: 8080 }))
})
