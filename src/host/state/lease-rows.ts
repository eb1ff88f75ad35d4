/** The leases of pods in the state database: addresses and host ports. */
import type { SQLOutputValue } from 'node:sqlite'
import { KubeError } from '../../diagnostic.ts'
import { MOST_PODS } from '../../plan/pod-count.ts'
import type { PodPlan, PortPlan } from '../../plan/types.ts'
import { nextFree, type Subnet } from '../network/subnet.ts'
import type { Statement } from './database.ts'

type Row = Record<string, SQLOutputValue>

export interface LeaseOptions {
  readonly subnet: () => Subnet
  readonly setting: (name: string) => string | undefined
}

/** Leases of one transaction. */
interface Lease {
  /** A free one for a pod on the bridge; `wanted` if that is free. Fails with `NetworkFull`. */
  address(plan: PodPlan, wanted?: string): string | undefined
  ports(uid: string, plan: PodPlan): void
  /** Writes where the next search goes on. */
  end(): void
}

export function openLeaseRows(sql: (text: string) => Statement, options: LeaseOptions) {
  function begin(): Lease {
    const rows = sql('SELECT address FROM pod WHERE address IS NOT NULL').all()
    const used = new Set(rows.map(row => String(row.address)))
    let last = options.setting('lastAddress')
    return {
      address(plan, wanted) {
        if (plan.network.mode !== 'bridge') return undefined
        if (used.size >= MOST_PODS) throw tooManyPods(used.size + 1)
        const isFree = wanted !== undefined && !used.has(wanted)
        const address = isFree ? wanted : nextFree(options.subnet(), used, last)
        if (address === undefined) {
          throw new KubeError('NetworkFull', `pod ${plan.name}: no address is left on network ${plan.network.network}`)
        }
        used.add(address)
        if (!isFree) last = address
        return address
      },
      ports(uid, plan) {
        for (const port of plan.ports) {
          const { protocol, hostPort, hostIp, containerPort, container } = port
          sql('INSERT INTO port VALUES (?, ?, ?, ?, ?, ?)').run(
            protocol,
            hostPort,
            hostIp,
            containerPort,
            container,
            uid,
          )
        }
      },
      end() {
        if (last !== undefined) sql('INSERT OR REPLACE INTO setting VALUES (?, ?)').run('lastAddress', last)
      },
    }
  }

  /** Every pod with an address takes up a port of the bridge. Fails with `NetworkFull`. */
  function checkRoom(plans: readonly PodPlan[], except: ReadonlySet<string>): void {
    const rows = sql('SELECT uid FROM pod WHERE address IS NOT NULL').all()
    const staying = rows.filter(({ uid }) => !except.has(String(uid))).length
    const wanted = staying + plans.filter(({ network }) => network.mode === 'bridge').length
    if (wanted > MOST_PODS) throw tooManyPods(wanted)
  }

  /** A pod's name must be free, and its ports: two leases of one clash unless each is bound to an address of its own. */
  function checkPod(plan: PodPlan, except: ReadonlySet<string>): void {
    const owner = sql('SELECT app, uid FROM pod WHERE namespace = ? AND name = ?').get(plan.namespace, plan.name)
    if (owner && !except.has(String(owner.uid))) throw podExists(plan, String(owner.app))
    for (const port of plan.ports) {
      const holders = sql(
        `SELECT pod.uid, pod.namespace, pod.name FROM port JOIN pod ON pod.uid = port.pod
         WHERE protocol = ?1 AND host_port = ?2 AND (host_ip = ?3 OR host_ip = '' OR ?3 = '')`,
      ).all(port.protocol, port.hostPort, port.hostIp)
      const holder = holders.find(row => !except.has(String(row.uid)))
      if (holder) throw portTaken(plan, port, `pod ${String(holder.namespace)}/${String(holder.name)}`)
    }
  }

  return {
    begin,
    checkPod,
    checkRoom,
    addresses: () =>
      sql('SELECT uid, address FROM pod WHERE address IS NOT NULL')
        .all()
        .map(row => ({ uid: String(row.uid), address: String(row.address) })),
    all: () =>
      sql('SELECT port.*, pod.address, pod.uid FROM port JOIN pod ON pod.uid = port.pod WHERE pod.address IS NOT NULL')
        .all()
        .map(row => ({ ...portOf(row), uid: String(row.uid), address: String(row.address) })),
  }
}

/** The error for a host port that is taken, by whom it is known. */
export function portTaken(plan: PodPlan, port: PortPlan, holder: string): KubeError {
  const address = port.hostIp === '' ? '' : `${port.hostIp}:`
  return new KubeError(
    'PortInUse',
    `pod ${plan.name}: host port ${address}${port.hostPort}/${port.protocol} is in use by ${holder}`,
    {
      hint: 'stop what holds it, or give the pod another hostPort',
    },
  )
}

function tooManyPods(wanted: number): KubeError {
  return new KubeError('NetworkFull', `${wanted} pods on one network: a Linux bridge has at most ${MOST_PODS} ports`, {
    hint: 'pods that are over and pods with hostNetwork take up none; another --root has a network of its own',
  })
}

function podExists(plan: PodPlan, app: string): KubeError {
  return new KubeError('PodExists', `pod ${plan.namespace}/${plan.name} already belongs to app ${app}`, {
    hint: `\`--app ${app}\` plays this as that app, \`kube down ${app}\` removes that app, -n plays into another namespace`,
  })
}

function portOf(row: Row): PortPlan {
  return {
    container: String(row.container),
    hostIp: String(row.host_ip),
    hostPort: Number(row.host_port),
    containerPort: Number(row.container_port),
    protocol: String(row.protocol) as PortPlan['protocol'],
  }
}
