/** Servers of tests, on a free loopback port. */
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { TestContext } from 'node:test'

/** Closed with its connections when the test is over, however it ends: an open one would keep the file from ending. */
export async function serving(t: TestContext, server: Server): Promise<{ readonly port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    if ('closeAllConnections' in server) (server.closeAllConnections as () => void)()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port }
}
