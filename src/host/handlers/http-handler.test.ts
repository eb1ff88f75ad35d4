import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { test } from 'node:test'
import { type HttpProbe, probeHttp, requestTarget } from './http-handler.ts'

/** What a server of this machine is asked for, and what the probe says. */
async function probe(parts: Partial<HttpProbe>): Promise<{ readonly asked: readonly string[]; readonly ok: boolean }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const limit = { timeoutMs: 100 }
  const base = { host: '127.0.0.1', port, path: '/', tls: false, headers: [], userAgent: 'test', limit }
  const { ok } = await probeHttp({ ...base, ...parts })
  server.close()
  return { asked, ok }
}

test('a path is asked for as the kubelet asks for it', () => {
  assert.equal(requestTarget('/a b?x=1 2#top'), '/a%20b?x=1%202')
  assert.equal(requestTarget('health/\u00e9\n'), '/health/%C3%A9%0A')
  assert.equal(requestTarget('/%41%zz'), '/%2541%25zz')
  assert.equal(requestTarget('/%41'), '/%41')
})

test('a path with a space is asked for', async () => {
  assert.deepEqual(await probe({ path: '/a b' }), { asked: ['/a%20b'], ok: true })
})

/** What a probe says of a server that answers with this. */
async function judged(answer: string, parts: Partial<HttpProbe> = {}): Promise<string | true> {
  const server = createTcpServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const limit = { timeoutMs: 10_000 }
  const base = { host: '127.0.0.1', port, path: '/', tls: false, headers: [], userAgent: 'test', limit }
  const { ok, message } = await probeHttp({ ...base, ...parts })
  server.close()
  return ok || message.replace(`:${port}`, '')
}

test('what servers answer is taken as the kubelet takes it', async () => {
  assert.equal(await judged('HTTP/1.0 200 OK\n\nbare line feeds'), true)
  assert.equal(await judged(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`), true)
  assert.equal(await judged(''), 'Get "http://127.0.0.1/": EOF')
  assert.equal(
    await judged('SSH-2.0-OpenSSH\r\n'),
    'Get "http://127.0.0.1/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH"',
  )
  assert.equal(
    await judged('HTTP/1.1 200 OK\r\n\r\n', { tls: true }),
    'Get "https://127.0.0.1/": http: server gave HTTP response to HTTPS client',
  )
  assert.equal(
    await judged('HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n'),
    'failed to parse Location header "http://[bad"',
  )
})

test('a header that cannot be sent fails the probe, and nothing else', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  assert.deepEqual(await probe({ headers: [{ name: 'X-A', value: 'a\nb' }] }), { asked: [], ok: false })
  // A time limit that was forgotten would end the process now.
  t.mock.timers.tick(1000)
})
