/** Ingress and NetworkPolicy. Source: k8s.io/kubernetes/pkg/apis/networking/validation/validation.go. */
import type {
  V1HTTPIngressPath,
  V1Ingress,
  V1IngressBackend,
  V1IPBlock,
  V1NetworkPolicy,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { forbidden, invalid, notSupported, required } from '../finding.ts'
import {
  checkForm,
  checkNotEmpty,
  checkOneOf,
  checkPort,
  checkRequiredForm,
  entriesAt,
  type Findings,
} from './check.ts'
import {
  checkCidr,
  checkDns1035Label,
  checkDnsSubdomain,
  checkIp,
  checkPortName,
  checkWildcardSubdomain,
} from './names.ts'
import { checkPortOrName } from './probes.ts'
import { checkSelector } from './selector.ts'

export function* checkIngress(ingress: V1Ingress): Findings {
  const at = ['spec']
  const spec = ingress.spec ?? {}
  if ((spec.rules ?? []).length === 0 && spec.defaultBackend === undefined)
    yield invalid(at, spec.rules ?? [], 'either `defaultBackend` or `rules` must be specified')
  if (spec.defaultBackend !== undefined) yield* checkBackend([...at, 'defaultBackend'], spec.defaultBackend)
  for (const [ruleAt, rule] of entriesAt([...at, 'rules'], spec.rules)) {
    if (rule.host !== undefined && rule.host !== '') yield* checkHost([...ruleAt, 'host'], rule.host)
    if (rule.http?.paths?.length === 0) yield required([...ruleAt, 'http', 'paths'])
    for (const [pathAt, path] of entriesAt([...ruleAt, 'http', 'paths'], rule.http?.paths))
      yield* checkPath(pathAt, path)
  }
  for (const [tlsAt, tls] of entriesAt([...at, 'tls'], spec.tls)) {
    for (const [hostAt, host] of entriesAt([...tlsAt, 'hosts'], tls.hosts))
      yield* checkForm(hostAt, host, host.includes('*') ? checkWildcardSubdomain : checkDnsSubdomain)
    if (tls.secretName !== undefined && tls.secretName !== '')
      yield* checkForm([...tlsAt, 'secretName'], tls.secretName, checkDnsSubdomain)
  }
  yield* checkForm([...at, 'ingressClassName'], spec.ingressClassName, checkDnsSubdomain)
  const annotation = ingress.metadata?.annotations?.['kubernetes.io/ingress.class']
  if (annotation !== undefined && spec.ingressClassName !== undefined && annotation !== spec.ingressClassName)
    yield {
      ...invalid(
        ['annotations', 'kubernetes.io/ingress.class'],
        annotation,
        'must match `ingressClassName` when both are specified',
      ),
      at: ['metadata', 'annotations', 'kubernetes.io/ingress.class'],
    }
}

function* checkHost(at: FieldPath, host: string): Findings {
  if (checkIp(host).length === 0) yield invalid(at, host, 'must be a DNS name, not an IP address')
  else yield* checkForm(at, host, host.includes('*') ? checkWildcardSubdomain : checkDnsSubdomain)
}

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix']

function* checkPath(at: FieldPath, { path = '', pathType, backend }: V1HTTPIngressPath): Findings {
  if (pathType === '') yield required([...at, 'pathType'], 'pathType must be specified')
  yield* checkOneOf([...at, 'pathType'], pathType, pathTypes)
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) yield invalid([...at, 'path'], path, 'must be an absolute path')
    for (const part of ['//', '/./', '/../', '%2f', '%2F'])
      if (path.includes(part)) yield invalid([...at, 'path'], path, `must not contain '${part}'`)
    for (const end of ['/..', '/.'])
      if (path.endsWith(end)) yield invalid([...at, 'path'], path, `cannot end with '${end}'`)
  } else if (path !== '' && !path.startsWith('/')) yield invalid([...at, 'path'], path, 'must be an absolute path')
  if (backend !== undefined) yield* checkBackend([...at, 'backend'], backend)
}

function* checkBackend(at: FieldPath, { service, resource }: V1IngressBackend): Findings {
  if (service !== undefined && resource !== undefined)
    yield invalid(at, '', 'cannot set both resource and service backends')
  else if (service === undefined && resource === undefined)
    yield required(at, 'resource or service backend is required')
  if (resource !== undefined) {
    yield* checkNotEmpty([...at, 'resource', 'kind'], resource.kind)
    yield* checkNotEmpty([...at, 'resource', 'name'], resource.name)
  }
  if (service === undefined) return
  const portAt = [...at, 'service', 'port']
  if (service.name !== undefined) yield* checkRequiredForm([...at, 'service', 'name'], service.name, checkDns1035Label)
  const { name = '', number = 0 } = service.port ?? {}
  if (name !== '' && number !== 0) yield invalid(portAt, '', 'cannot set both port name & port number')
  else if (name === '' && number === 0) yield required(portAt, 'port name or number is required')
  else if (number !== 0) yield* checkPort([...portAt, 'number'], number)
  else yield* checkForm([...portAt, 'name'], name, checkPortName)
}

export function* checkNetworkPolicy({ spec }: V1NetworkPolicy): Findings {
  const at = ['spec']
  yield* checkSelector([...at, 'podSelector'], spec?.podSelector)
  for (const [ruleAt, rule] of entriesAt([...at, 'ingress'], spec?.ingress)) {
    for (const [portAt, port] of entriesAt([...ruleAt, 'ports'], rule.ports)) yield* checkPolicyPort(portAt, port)
    // The JSON name is `from`; client-node's class calls it `_from`.
    const peers = Reflect.get(rule, 'from') as readonly V1NetworkPolicyPeer[] | undefined
    for (const [peerAt, peer] of entriesAt([...ruleAt, 'from'], peers)) yield* checkPeer(peerAt, peer)
  }
  for (const [ruleAt, rule] of entriesAt([...at, 'egress'], spec?.egress)) {
    for (const [portAt, port] of entriesAt([...ruleAt, 'ports'], rule.ports)) yield* checkPolicyPort(portAt, port)
    for (const [peerAt, peer] of entriesAt([...ruleAt, 'to'], rule.to)) yield* checkPeer(peerAt, peer)
  }
  const types = spec?.policyTypes ?? []
  if (types.length > 2) yield invalid([...at, 'policyTypes'], types, 'may not specify more than two policyTypes')
  else
    for (const [typeAt, type] of entriesAt([...at, 'policyTypes'], types))
      if (!['Ingress', 'Egress'].includes(type)) yield notSupported(typeAt, type, ['Ingress', 'Egress'])
}

function* checkPolicyPort(at: FieldPath, { port, endPort, protocol }: V1NetworkPolicyPort): Findings {
  yield* checkOneOf([...at, 'protocol'], protocol, ['TCP', 'UDP', 'SCTP'])
  yield* checkPortOrName([...at, 'port'], port)
  if (endPort === undefined) return
  if (port === undefined)
    yield invalid([...at, 'endPort'], endPort, 'may not be specified when `port` is not specified')
  else if (typeof port === 'string')
    yield invalid([...at, 'endPort'], endPort, 'may not be specified when `port` is non-numeric')
  else if (endPort < port) yield invalid([...at, 'endPort'], endPort, 'must be greater than or equal to `port`')
  else yield* checkPort([...at, 'endPort'], endPort)
}

function* checkPeer(at: FieldPath, { podSelector, namespaceSelector, ipBlock }: V1NetworkPolicyPeer): Findings {
  const hasSelector = podSelector !== undefined || namespaceSelector !== undefined
  yield* checkSelector([...at, 'podSelector'], podSelector)
  yield* checkSelector([...at, 'namespaceSelector'], namespaceSelector)
  if (ipBlock !== undefined) yield* checkBlock([...at, 'ipBlock'], ipBlock)
  if (!hasSelector && ipBlock === undefined) yield required(at, 'must specify a peer')
  if (hasSelector && ipBlock !== undefined) yield forbidden(at, 'may not specify both ipBlock and another peer')
}

function* checkBlock(at: FieldPath, block: V1IPBlock): Findings {
  if (block.cidr !== undefined) yield* checkRequiredForm([...at, 'cidr'], block.cidr, checkCidr)
  for (const [exceptAt, range] of entriesAt([...at, 'except'], block.except))
    yield* checkForm(exceptAt, range, checkCidr)
}
