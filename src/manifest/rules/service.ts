/** Services. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, ValidateService. */
import type { V1Service, V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { duplicate, forbidden, invalid, notSupported, required } from '../finding.ts'
import { checkForm, checkOneOf, checkPort, entriesAt, type Findings } from './check.ts'
import { checkLabels } from './metadata.ts'
import { checkCidr, checkDnsLabel, checkDnsSubdomain, checkIp, checkQualifiedName, isIpv6 } from './names.ts'
import { checkPortOrName } from './probes.ts'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const maxAffinitySeconds = 86_400

export function* checkService({ spec }: V1Service): Findings {
  const at = ['spec']
  if (spec === undefined) {
    yield required([...at, 'ports'])
    return
  }
  const type = spec.type || 'ClusterIP'
  const isHeadless = spec.clusterIP === 'None'
  if ((spec.ports ?? []).length === 0 && !isHeadless && type !== 'ExternalName') yield required([...at, 'ports'])
  if (isHeadless && (type === 'LoadBalancer' || type === 'NodePort'))
    yield invalid([...at, 'clusterIP'], spec.clusterIP, `may not be set to 'None' for ${type} services`)
  if (type === 'ExternalName') yield* checkExternalName(at, spec)
  yield* checkPorts([...at, 'ports'], spec.ports, type)
  yield* checkLabels([...at, 'selector'], spec.selector)
  yield* checkAffinity(at, spec)
  if (type !== 'ExternalName') yield* checkAddresses(at, spec)
  for (const [ipAt, ip] of entriesAt([...at, 'externalIPs'], spec.externalIPs)) yield* checkForm(ipAt, ip, checkIp)
  yield* checkOneOf([...at, 'type'], spec.type, types)
  yield* checkBalancer(at, spec, type)
  yield* checkTrafficPolicies(at, spec, type)
}

function* checkExternalName(at: FieldPath, spec: V1ServiceSpec): Findings {
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const)
    if ((spec[field] ?? '').length > 0) yield forbidden([...at, field], 'may not be set for ExternalName services')
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name === '') yield required([...at, 'externalName'])
  else yield* checkForm([...at, 'externalName'], name, checkDnsSubdomain)
}

const protocols = ['SCTP', 'TCP', 'UDP']

function* checkPorts(path: FieldPath, ports: readonly V1ServicePort[] | undefined, type: string): Findings {
  const names = new Set<string>()
  const taken = new Set<string>()
  const nodePorts = new Set<string>()
  for (const [at, port] of entriesAt(path, ports)) {
    const protocol = port.protocol || 'TCP'
    const name = port.name ?? ''
    if (name === '' && (ports ?? []).length > 1) yield required([...at, 'name'])
    if (name !== '') {
      yield* checkForm([...at, 'name'], name, checkDnsLabel)
      if (names.has(name)) yield duplicate([...at, 'name'], name)
      names.add(name)
    }
    yield* checkPort([...at, 'port'], port.port)
    yield* checkOneOf([...at, 'protocol'], port.protocol, protocols)
    if (port.targetPort !== 0 && port.targetPort !== '') yield* checkPortOrName([...at, 'targetPort'], port.targetPort)
    yield* checkForm([...at, 'appProtocol'], port.appProtocol, checkQualifiedName)
    if (type === 'LoadBalancer' && port.port === 10250)
      yield invalid(at, port.port, 'may not expose port 10250 externally since it is used by kubelet')
    if (port.port !== undefined) {
      const key = `${protocol}/${port.port}`
      if (taken.has(key)) yield duplicate(at, { port: port.port, protocol })
      taken.add(key)
    }
    if (port.nodePort === undefined || port.nodePort === 0) continue
    if (type === 'ClusterIP') yield forbidden([...at, 'nodePort'], "may not be used when `type` is 'ClusterIP'")
    if (nodePorts.has(`${protocol}/${port.nodePort}`)) yield duplicate([...at, 'nodePort'], port.nodePort)
    nodePorts.add(`${protocol}/${port.nodePort}`)
    const isExternal = type === 'NodePort' || type === 'LoadBalancer'
    // What a cluster's allocator says, with its usual range.
    if (isExternal && (port.nodePort < 30000 || port.nodePort > 32767))
      yield invalid(
        [...at, 'nodePort'],
        port.nodePort,
        'provided port is not in the valid range. The range of valid ports is 30000-32767',
      )
  }
}

function* checkAffinity(at: FieldPath, spec: V1ServiceSpec): Findings {
  yield* checkOneOf([...at, 'sessionAffinity'], spec.sessionAffinity, ['ClientIP', 'None'])
  const configAt = [...at, 'sessionAffinityConfig']
  if (spec.sessionAffinity === 'ClientIP') {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
    if (seconds !== undefined && (seconds <= 0 || seconds > maxAffinitySeconds)) {
      const detail = `must be greater than 0 and less than ${maxAffinitySeconds}`
      yield invalid([...configAt, 'clientIP', 'timeoutSeconds'], seconds, detail)
    }
  } else if (spec.sessionAffinityConfig !== undefined)
    yield forbidden(configAt, 'must not be set when session affinity is None')
}

function* checkAddresses(at: FieldPath, spec: V1ServiceSpec): Findings {
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec
  const listAt = [...at, 'clusterIPs']
  if (clusterIPs.length > 0 && clusterIP !== '' && clusterIPs[0] !== clusterIP)
    yield invalid(listAt, clusterIPs, 'first value must match `clusterIP`')
  if (clusterIP !== '' && clusterIP !== 'None' && clusterIPs.length === 0)
    yield* checkForm([...at, 'clusterIP'], clusterIP, checkIp)
  const families = new Set<string>()
  for (const [familyAt, family] of entriesAt([...at, 'ipFamilies'], ipFamilies)) {
    if (!['IPv4', 'IPv6'].includes(family)) yield notSupported(familyAt, family, ['IPv4', 'IPv6'])
    if (families.has(family)) yield duplicate(familyAt, family)
    families.add(family)
  }
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
  yield* checkOneOf([...at, 'ipFamilyPolicy'], spec.ipFamilyPolicy, policies)
  if (clusterIPs.includes('None') && clusterIPs.length > 1)
    yield invalid(listAt, clusterIPs, "'None' must be the first and only value")
  for (const [ipAt, ip] of entriesAt(listAt, clusterIPs)) if (ip !== 'None') yield* checkForm(ipAt, ip, checkIp)
  if (clusterIPs.length > 2) yield invalid(listAt, clusterIPs, 'may only hold up to 2 values')
  for (const [index, ip] of clusterIPs.entries()) {
    const family = ipFamilies[index]
    if (family === undefined || ip === 'None') continue
    if (isIpv6(ip) !== (family === 'IPv6'))
      yield invalid([...listAt, index], ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``)
  }
}

function* checkBalancer(at: FieldPath, spec: V1ServiceSpec, type: string): Findings {
  const isBalancer = type === 'LoadBalancer'
  const only = "may only be used when `type` is 'LoadBalancer'"
  const ranges = spec.loadBalancerSourceRanges ?? []
  if (ranges.length > 0 && !isBalancer) yield forbidden([...at, 'loadBalancerSourceRanges'], only)
  for (const [rangeAt, range] of entriesAt([...at, 'loadBalancerSourceRanges'], ranges))
    yield* checkForm(rangeAt, range.trim(), checkCidr)
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalancer)
    yield forbidden([...at, 'allocateLoadBalancerNodePorts'], only)
  if (spec.loadBalancerClass === undefined) return
  if (isBalancer) yield* checkForm([...at, 'loadBalancerClass'], spec.loadBalancerClass, checkQualifiedName)
  else yield forbidden([...at, 'loadBalancerClass'], only)
}

function* checkTrafficPolicies(at: FieldPath, spec: V1ServiceSpec, type: string): Findings {
  const external = spec.externalTrafficPolicy ?? ''
  const hasExternalIps = type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0
  const isExternal = type === 'NodePort' || type === 'LoadBalancer' || hasExternalIps
  if (!isExternal && external !== '')
    yield invalid([...at, 'externalTrafficPolicy'], external, 'may only be set for externally-accessible services')
  else yield* checkOneOf([...at, 'externalTrafficPolicy'], external, ['Cluster', 'Local'])
  const checks = type === 'LoadBalancer' && external === 'Local'
  const port = spec.healthCheckNodePort ?? 0
  if (!checks && port !== 0)
    yield invalid(
      [...at, 'healthCheckNodePort'],
      port,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    )
  yield* checkOneOf([...at, 'internalTrafficPolicy'], spec.internalTrafficPolicy, ['Cluster', 'Local'])
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
  yield* checkOneOf([...at, 'trafficDistribution'], spec.trafficDistribution, distributions)
}
