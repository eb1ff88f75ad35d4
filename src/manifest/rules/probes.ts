/** Probes and lifecycle hooks. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, validateProbe and validateLifecycle. */
import type { V1Container, V1LifecycleHandler, V1Probe } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { forbidden, invalid, notSupported, required } from '../finding.ts'
import { checkNotNegative, checkOneOf, checkPort, entriesAt, type Findings } from './check.ts'
import { checkHttpHeaderName, checkPortName, inRange } from './names.ts'

/** What probes and hooks depend on in their pod. */
export interface HookSurroundings {
  /** terminationGracePeriodSeconds of the pod, with its default. */
  readonly graceSeconds: number
  readonly osName: string | undefined
}

/** All probes and hooks of a container that may have them. */
export function* checkHooks(at: FieldPath, container: V1Container, pod: HookSurroundings): Findings {
  const { lifecycle } = container
  for (const name of ['postStart', 'preStop'] as const) {
    const handler = lifecycle?.[name]
    if (handler !== undefined) yield* checkHandler([...at, 'lifecycle', name], handler, pod)
  }
  if (lifecycle?.stopSignal !== undefined) {
    const signalAt = [...at, 'lifecycle', 'stopSignal']
    if (pod.osName === undefined || pod.osName === '')
      yield forbidden(signalAt, 'may not be set for containers with empty `spec.os.name`')
    else if (!/^SIG[A-Z0-9+-]{2,12}$/.test(lifecycle.stopSignal))
      yield invalid(signalAt, lifecycle.stopSignal, 'must be the name of a signal, such as SIGTERM')
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name]
    if (probe !== undefined) yield* checkProbe([...at, name], probe, name === 'readinessProbe', pod)
  }
}

function* checkProbe(at: FieldPath, probe: V1Probe, isReadiness: boolean, pod: HookSurroundings): Findings {
  yield* checkHandler(at, probe, pod)
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const)
    yield* checkNotNegative([...at, field], probe[field])
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace <= 0)
    yield invalid([...at, 'terminationGracePeriodSeconds'], grace, 'must be greater than 0')
  if (isReadiness && grace !== undefined)
    yield invalid([...at, 'terminationGracePeriodSeconds'], grace, 'must not be set for readinessProbes')
  // Zero is taken for unset.
  const successes = probe.successThreshold || 1
  if (!isReadiness && successes !== 1) yield invalid([...at, 'successThreshold'], successes, 'must be 1')
}

type Handler = V1LifecycleHandler & Pick<V1Probe, 'grpc'>

const handlerFields = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const

function* checkHandler(at: FieldPath, handler: Handler, pod: HookSurroundings): Findings {
  const [first, ...others] = handlerFields.filter(field => handler[field] !== undefined)
  if (first === undefined) yield required(at, 'must specify a handler type')
  for (const other of others) yield forbidden([...at, other], 'may not specify more than 1 handler type')
  if (first === 'exec' && (handler.exec?.command ?? []).length === 0) yield required([...at, 'exec', 'command'])
  if (first === 'httpGet') yield* checkHttpGet([...at, 'httpGet'], handler)
  if (first === 'tcpSocket') yield* checkPortOrName([...at, 'tcpSocket', 'port'], handler.tcpSocket?.port)
  if (first === 'grpc') yield* checkPort([...at, 'grpc', 'port'], handler.grpc?.port)
  if (first === 'sleep') {
    const seconds = handler.sleep?.seconds ?? 0
    if (seconds < 0 || seconds > pod.graceSeconds) {
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${pod.graceSeconds})`
      yield invalid([...at, 'sleep'], seconds, detail)
    }
  }
}

function* checkHttpGet(at: FieldPath, handler: Handler): Findings {
  const request = handler.httpGet
  yield* checkPortOrName([...at, 'port'], request?.port)
  yield* checkOneOf([...at, 'scheme'], request?.scheme, ['HTTP', 'HTTPS'])
  for (const [headerAt, header] of entriesAt([...at, 'httpHeaders'], request?.httpHeaders))
    for (const message of checkHttpHeaderName(header.name ?? ''))
      yield { ...invalid([...at, 'httpHeaders'], header.name ?? '', message), at: headerAt }
}

/** A port by number or by name. */
export function* checkPortOrName(at: FieldPath, port: number | string | undefined): Findings {
  if (typeof port === 'number' && (port < 1 || port > 65535)) yield invalid(at, port, inRange(1, 65535))
  if (typeof port === 'string') for (const message of checkPortName(port)) yield invalid(at, port, message)
}

/** The kinds of restarts that a container may ask for itself. */
export function* checkRestart(at: FieldPath, container: V1Container): Findings {
  const policies = ['Always', 'OnFailure', 'Never']
  const { restartPolicy, restartPolicyRules } = container
  if (restartPolicy !== undefined && !policies.includes(restartPolicy))
    yield notSupported([...at, 'restartPolicy'], restartPolicy, policies)
  const rules = restartPolicyRules ?? []
  if (rules.length > 0 && restartPolicy === undefined)
    yield required([...at, 'restartPolicy'], 'must specify restartPolicy when restart rules are used')
  for (const [ruleAt, rule] of entriesAt([...at, 'restartPolicyRules'], rules)) {
    const actions = ['Restart', 'RestartAllContainers']
    if (rule.action !== undefined && !actions.includes(rule.action))
      yield notSupported([...ruleAt, 'action'], rule.action, actions)
    if (rule.exitCodes === undefined) yield required([...ruleAt, 'exitCodes'], 'must be specified')
    yield* checkOneOf([...ruleAt, 'exitCodes', 'operator'], rule.exitCodes?.operator, ['In', 'NotIn'])
  }
}
