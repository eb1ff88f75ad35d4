/** Servers of tests, on a free loopback port. */
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

export interface Listening {
  readonly port: number
  readonly close: () => void
}

export async function listening(server: Server): Promise<Listening> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      if ('closeAllConnections' in server) (server.closeAllConnections as () => void)()
      server.close()
    },
  }
}
