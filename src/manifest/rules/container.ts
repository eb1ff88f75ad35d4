/** Containers of all kinds. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, validateContainerCommon. */
import type {
  V1Container,
  V1ContainerPort,
  V1EnvFromSource,
  V1EnvVar,
  V1FileKeySelector,
  V1Volume,
  V1VolumeDevice,
  V1VolumeMount,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { duplicate, forbidden, invalid, notFound, notSupported, required } from '../finding.ts'
import {
  checkForm,
  checkImage,
  checkNotEmpty,
  checkOneOf,
  checkRange,
  checkRequiredForm,
  entriesAt,
  type Findings,
} from './check.ts'
import { checkConfigKey, checkDnsLabel, checkDnsSubdomain, checkEnvName, checkIp, checkPortName } from './names.ts'
import { checkDescendingPath, checkNoBacksteps } from './paths.ts'
import { checkResources } from './resources.ts'
import { checkSecurityContext } from './security.ts'
import { checkFieldRef, checkResourceRef } from './volumes.ts'

/** What the checks of a container need to know of its pod. */
export interface ContainerSurroundings {
  readonly volumes: ReadonlyMap<string, V1Volume>
  readonly hostUsers: boolean
  readonly restartPolicy: string
}

/** What holds for init, regular and ephemeral containers alike. */
export function* checkContainer(at: FieldPath, container: V1Container, pod: ContainerSurroundings): Findings {
  yield* checkRequiredForm([...at, 'name'], container.name, checkDnsLabel)
  if (container.image === undefined || container.image === '') yield required([...at, 'image'])
  else yield* checkImage([...at, 'image'], container.image)
  const policies = ['File', 'FallbackToLogsOnError']
  yield* checkOneOf([...at, 'terminationMessagePolicy'], container.terminationMessagePolicy, policies)
  yield* checkPorts([...at, 'ports'], container.ports)
  yield* checkEnv([...at, 'env'], container.env, pod.volumes)
  yield* checkEnvFrom([...at, 'envFrom'], container.envFrom)
  yield* checkMounts([...at, 'volumeMounts'], container, pod)
  yield* checkDevices([...at, 'volumeDevices'], container, pod)
  yield* checkOneOf([...at, 'imagePullPolicy'], container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'])
  if (container.resources !== undefined) yield* checkResources([...at, 'resources'], container.resources)
  yield* checkResizePolicy([...at, 'resizePolicy'], container, pod.restartPolicy)
  if (container.securityContext !== undefined)
    yield* checkSecurityContext([...at, 'securityContext'], container.securityContext, pod.hostUsers)
}

const protocols = ['SCTP', 'TCP', 'UDP']

function* checkPorts(path: FieldPath, ports: readonly V1ContainerPort[] | undefined): Findings {
  const names = new Set<string>()
  for (const [at, port] of entriesAt(path, ports)) {
    if (port.name !== undefined && port.name !== '') {
      const wrong = checkPortName(port.name)
      for (const message of wrong) yield invalid([...at, 'name'], port.name, message)
      if (wrong.length === 0 && names.has(port.name)) yield duplicate([...at, 'name'], port.name)
      names.add(port.name)
    }
    if (port.containerPort === 0) yield required([...at, 'containerPort'])
    else yield* checkRange([...at, 'containerPort'], port.containerPort, 1, 65535)
    if (port.hostPort !== 0) yield* checkRange([...at, 'hostPort'], port.hostPort, 1, 65535)
    if (port.hostIP !== undefined && port.hostIP !== '') yield* checkForm([...at, 'hostIP'], port.hostIP, checkIp)
    yield* checkOneOf([...at, 'protocol'], port.protocol, protocols)
  }
}

const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]

function* checkEnv(
  path: FieldPath,
  variables: readonly V1EnvVar[] | undefined,
  volumes: ContainerSurroundings['volumes'],
): Findings {
  for (const [at, variable] of entriesAt(path, variables)) {
    yield* checkRequiredForm([...at, 'name'], variable.name, checkEnvName)
    if (variable.valueFrom !== undefined) yield* checkValueFrom([...at, 'valueFrom'], variable, volumes)
  }
}

const envSources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const

function* checkValueFrom(
  at: FieldPath,
  { value, valueFrom }: V1EnvVar,
  volumes: ContainerSurroundings['volumes'],
): Findings {
  const present = envSources.filter(source => valueFrom?.[source] !== undefined)
  if (valueFrom?.fieldRef !== undefined) yield* checkFieldRef([...at, 'fieldRef'], valueFrom.fieldRef, envFieldPaths)
  if (valueFrom?.resourceFieldRef !== undefined)
    yield* checkResourceRef([...at, 'resourceFieldRef'], valueFrom.resourceFieldRef)
  for (const source of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = valueFrom?.[source]
    if (ref === undefined) continue
    yield* checkForm([...at, source, 'name'], ref.name ?? '', checkDnsSubdomain)
    if (ref.key !== undefined) yield* checkRequiredForm([...at, source, 'key'], ref.key, checkConfigKey)
  }
  if (valueFrom?.fileKeyRef !== undefined) yield* checkFileKey([...at, 'fileKeyRef'], valueFrom.fileKeyRef, volumes)
  if (present.length === 0)
    yield invalid(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`')
  else if (value !== undefined && value !== '') yield invalid(at, '', 'may not be specified when `value` is not empty')
  else if (present.length > 1) yield invalid(at, '', 'may not have more than one field specified at a time')
}

/** A file that another container of the pod writes: only an emptyDir volume is the pod's own. */
function* checkFileKey(
  at: FieldPath,
  { path, volumeName }: V1FileKeySelector,
  volumes: ContainerSurroundings['volumes'],
): Findings {
  if (path !== undefined) yield* checkDescendingPath([...at, 'path'], path)
  if (volumeName === undefined || volumeName === '') return
  const volume = volumes.get(volumeName)
  if (volume === undefined) yield notFound([...at, 'volumeName'], volumeName)
  else if (Object.keys(volume).some(key => key !== 'name' && key !== 'emptyDir'))
    yield invalid([...at, 'volumeName'], volumeName, 'must be an emptyDir volume')
}

function* checkEnvFrom(path: FieldPath, sources: readonly V1EnvFromSource[] | undefined): Findings {
  for (const [at, source] of entriesAt(path, sources)) {
    if (source.prefix !== undefined && source.prefix !== '')
      yield* checkForm([...at, 'prefix'], source.prefix, checkEnvName)
    for (const field of ['configMapRef', 'secretRef'] as const)
      if (source[field] !== undefined)
        yield* checkRequiredForm([...at, field, 'name'], source[field].name, checkDnsSubdomain)
    const count = Number(source.configMapRef !== undefined) + Number(source.secretRef !== undefined)
    if (count === 0) yield { ...invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'), at }
    if (count > 1) yield { ...invalid(path, '', 'may not have more than one field specified at a time'), at }
  }
}

function* checkMounts(path: FieldPath, container: V1Container, pod: ContainerSurroundings): Findings {
  const devices: readonly V1VolumeDevice[] = container.volumeDevices ?? []
  const paths = new Set<string>()
  for (const [at, mount] of entriesAt(path, container.volumeMounts)) {
    yield* checkMountName([...at, 'name'], mount.name, pod)
    if (mount.mountPath === '') yield required([...at, 'mountPath'])
    if (mount.mountPath !== undefined && paths.has(mount.mountPath))
      yield invalid([...at, 'mountPath'], mount.mountPath, 'must be unique')
    paths.add(mount.mountPath)
    if (devices.some(device => device.name === mount.name))
      yield invalid([...at, 'name'], mount.name, 'must not already exist in volumeDevices')
    if (devices.some(device => device.devicePath === mount.mountPath))
      yield invalid([...at, 'mountPath'], mount.mountPath, 'must not already exist as a path in volumeDevices')
    yield* checkSubPath(at, mount)
    yield* checkMountModes(at, mount, container.securityContext?.privileged === true)
  }
}

function* checkMountName(at: FieldPath, name: string | undefined, pod: ContainerSurroundings): Findings {
  if (name === undefined) return
  yield* checkNotEmpty(at, name)
  if (!pod.volumes.has(name)) yield notFound(at, name)
}

function* checkSubPath(at: FieldPath, mount: V1VolumeMount): Findings {
  const { subPath = '', subPathExpr = '' } = mount
  if (subPath !== '') yield* checkDescendingPath([...at, 'subPath'], subPath)
  if (subPathExpr === '') return
  if (subPath !== '')
    yield invalid([...at, 'subPathExpr'], subPathExpr, 'subPathExpr and subPath are mutually exclusive')
  yield* checkDescendingPath([...at, 'subPathExpr'], subPathExpr)
}

function* checkMountModes(at: FieldPath, mount: V1VolumeMount, isPrivileged: boolean): Findings {
  const { mountPropagation, recursiveReadOnly } = mount
  if (mountPropagation !== undefined) {
    const modes = ['Bidirectional', 'HostToContainer', 'None']
    if (!modes.includes(mountPropagation)) yield notSupported([...at, 'mountPropagation'], mountPropagation, modes)
    if (mountPropagation === 'Bidirectional' && !isPrivileged)
      yield forbidden(
        [...at, 'mountPropagation'],
        'Bidirectional mount propagation is available only to privileged containers',
      )
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return
  const place = [...at, 'recursiveReadOnly']
  const modes = ['Disabled', 'Enabled', 'IfPossible']
  if (!modes.includes(recursiveReadOnly)) {
    yield notSupported(place, recursiveReadOnly, modes)
    return
  }
  if (mount.readOnly !== true) yield forbidden(place, 'may only be specified when readOnly is true')
  if (mountPropagation !== undefined && mountPropagation !== 'None')
    yield forbidden(place, 'may only be specified when mountPropagation is None or not specified')
}

function* checkDevices(path: FieldPath, container: V1Container, pod: ContainerSurroundings): Findings {
  const mounts: readonly V1VolumeMount[] = container.volumeMounts ?? []
  const names = new Set<string>()
  const paths = new Set<string>()
  for (const [at, { name, devicePath }] of entriesAt(path, container.volumeDevices)) {
    yield* checkMountName([...at, 'name'], name, pod)
    const volume = pod.volumes.get(name)
    if (volume !== undefined && volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined)
      yield invalid(
        [...at, 'name'],
        name,
        'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      )
    if (names.has(name)) yield invalid([...at, 'name'], name, 'must be unique')
    names.add(name)
    if (devicePath === '') yield required([...at, 'devicePath'])
    if (paths.has(devicePath)) yield invalid([...at, 'devicePath'], devicePath, 'must be unique')
    paths.add(devicePath)
    yield* checkNoBacksteps([...at, 'devicePath'], devicePath ?? '')
    if (mounts.some(mount => mount.name === name))
      yield invalid([...at, 'name'], name, 'must not already exist in volumeMounts')
    if (mounts.some(mount => mount.mountPath === devicePath))
      yield invalid([...at, 'devicePath'], devicePath, 'must not already exist as a path in volumeMounts')
  }
}

function* checkResizePolicy(path: FieldPath, container: V1Container, podRestartPolicy: string): Findings {
  const seen = new Set<string>()
  for (const [at, { resourceName, restartPolicy }] of entriesAt(path, container.resizePolicy)) {
    if (seen.has(resourceName)) yield duplicate(at, resourceName)
    seen.add(resourceName)
    if (resourceName !== undefined && !['cpu', 'memory'].includes(resourceName))
      yield { ...notSupported(path, resourceName, ['cpu', 'memory']), at }
    const policies = ['NotRequired', 'RestartContainer']
    if (restartPolicy !== undefined && !policies.includes(restartPolicy))
      yield { ...notSupported(path, restartPolicy, policies), at }
    if (podRestartPolicy === 'Never' && restartPolicy === 'RestartContainer')
      yield { ...invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"), at }
  }
}
