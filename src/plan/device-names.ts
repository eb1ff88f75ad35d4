/**
 * Devices of the machine that a container asks for by name, as podman has it: a resource `vendor.com/class=device`, of
 * which a CDI specification of the machine says what it is, or `podman.io/device=/dev/path`. Source: podman-kube-play(1),
 * tags.cncf.io/container-device-interface.
 */
import type { V1ResourceRequirements } from '@kubernetes/client-node'

/** No resource of Kubernetes has such a name. */
export function isDeviceName(resource: string): boolean {
  return /^[^/=]+\/[^/=]+=./.test(resource)
}

/** Each once; an amount of 0 asks for none. */
export function deviceNames(resources: V1ResourceRequirements | undefined): readonly string[] {
  const amounts = Object.entries({ ...resources?.requests, ...resources?.limits })
  return amounts.filter(([name, amount]) => isDeviceName(name) && Number(amount) !== 0).map(([name]) => name)
}
