import assert from 'node:assert/strict'
import test from 'node:test'
import { errorsIn } from '../../../test/support/findings.ts'

async function check(cases: readonly (readonly [string, ...string[]])[]): Promise<void> {
  for (const [text, ...expected] of cases) assert.deepEqual(await errorsIn(text), expected, text)
}

const template = (spec = ''): string =>
  `template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: b}]${spec}}}`

function workload(
  kind: string,
  spec: string,
  selector = 'selector: {matchLabels: {app: web}}',
  pod = template(),
): string {
  return `apiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: web}\nspec: {${[selector, pod, spec].filter(Boolean).join(', ')}}`
}

test('a selector is there, is not empty and picks the pods of the template', async () => {
  for (const [kind, word] of [
    ['Deployment', 'deployment'],
    ['ReplicaSet', 'deployment'],
    ['StatefulSet', 'statefulset'],
    ['DaemonSet', 'daemonset'],
  ] as const)
    await check([
      [workload(kind, '')],
      [workload(kind, '', ''), 'spec.selector: Required value'],
      [workload(kind, '', 'selector: {}'), `spec.selector: Invalid value: {}: empty selector is invalid for ${word}`],
      [
        workload(kind, '', 'selector: {matchLabels: {app: wbe}}'),
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
      [workload(kind, '', 'selector: {matchExpressions: [{key: app, operator: Exists}]}')],
      [
        workload(kind, '', 'selector: {matchExpressions: [{key: app, operator: Is}, {key: app, operator: In}]}'),
        'spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        "spec.selector.matchExpressions[1].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      ].toSorted((a, b) => (a.startsWith('spec.template') ? 1 : b.startsWith('spec.template') ? -1 : 0)) as [string],
      [
        workload(kind, '', undefined, template(', restartPolicy: Never')),
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      ],
    ])
})

test('Deployment', async () => {
  await check([
    ['apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}', 'spec.selector: Required value'],
    [workload('Deployment', 'replicas: -1'), 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [
      workload('Deployment', 'strategy: {type: Rolling}'),
      'spec.strategy.type: Unsupported value: "Rolling": supported values: "Recreate", "RollingUpdate"',
    ],
    [
      workload('Deployment', 'strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}'),
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      workload('Deployment', 'strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}'),
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ],
    [
      workload('Deployment', 'strategy: {rollingUpdate: {maxSurge: half}}'),
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"half\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
    [
      workload('Deployment', 'minReadySeconds: 30, progressDeadlineSeconds: 20'),
      'spec.progressDeadlineSeconds: Invalid value: 20: must be greater than minReadySeconds',
    ],
    [
      workload('Deployment', '', undefined, template(', ephemeralContainers: [{name: e, image: b}]')),
      'spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template',
    ],
  ])
})

test('StatefulSet and DaemonSet', async () => {
  await check([
    [
      workload('StatefulSet', 'podManagementPolicy: Serial'),
      "spec.podManagementPolicy: Invalid value: \"Serial\": must be 'OrderedReady' or 'Parallel'",
    ],
    [
      workload(
        'StatefulSet',
        'volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]',
        undefined,
        'template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: b, volumeMounts: [{name: data, mountPath: /d}, {name: other, mountPath: /o}]}]}}',
      ),
      'spec.template.spec.containers[0].volumeMounts[1].name: Not found: "other"',
    ],
    [
      workload('StatefulSet', 'updateStrategy: {type: OnDelete, rollingUpdate: {partition: 1}}'),
      'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
    [
      workload('DaemonSet', 'updateStrategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 1}}'),
      'spec.updateStrategy.rollingUpdate.maxSurge: Forbidden: may not be set when maxUnavailable is non-zero',
    ],
  ])
})

const job = (
  spec: string,
  pod = 'template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}',
): string => `apiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec: {${[pod, spec].filter(Boolean).join(', ')}}`

test('Job', async () => {
  await check([
    [job('')],
    [
      job('', 'template: {spec: {containers: [{name: a, image: b}]}}'),
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [job('completions: -1'), 'spec.completions: Invalid value: -1: must be greater than or equal to 0'],
    [job('completionMode: Indexed'), 'spec.completions: Required value: when completion mode is Indexed'],
    [job('backoffLimitPerIndex: 1'), 'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    [
      job('selector: {matchLabels: {a: b}}'),
      'spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` not auto-generated',
    ],
    [
      job('manualSelector: true, selector: {matchLabels: {a: b}}'),
      'spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`',
    ],
    [
      job('podFailurePolicy: {rules: [{action: Stop, onExitCodes: {operator: In, values: [0]}}]}'),
      'spec.podFailurePolicy.rules[0].action: Unsupported value: "Stop": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
      'spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator',
    ],
    [
      job('podFailurePolicy: {rules: [{action: FailIndex}]}'),
      'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
    ],
    [
      job(
        'completionMode: Indexed, completions: 3, successPolicy: {rules: [{succeededIndexes: "0,2-4"}, {succeededCount: 4}]}',
      ),
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,2-4": error parsing succeededIndexes: too large index: "4"',
      'spec.successPolicy.rules[1].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)',
    ],
    [
      job('completionMode: Indexed, completions: 100').replace('name: web', `name: ${'a'.repeat(62)}`),
      `metadata.name: Invalid value: "${'a'.repeat(62)}": will not able to create pod with invalid DNS label: ${'a'.repeat(62)}-99`,
    ],
  ])
})

test('CronJob: schedules, time zones, names', async () => {
  const cron = (schedule: string, rest = '', name = 'web'): string =>
    `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: ${name}}\nspec: {schedule: "${schedule}", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}${rest}}`
  const good = ['* * * * *', '*/15 0-6/2 1,15 jan-MAR,12 sun', '@hourly', '@every 1h30m', '0 0 ? * *', '  0 0 * * 6']
  for (const schedule of good) await check([[cron(schedule)]])
  const bad = {
    '* * * *': 'expected exactly 5 fields, found 4: [* * * *]',
    '60 * * * *': 'end of range (60) above maximum (59): 60',
    '* * 0 * *': 'beginning of range (0) below minimum (1): 0',
    '* * * * 7': 'end of range (7) above maximum (6): 7',
    '5-1 * * * *': 'beginning of range (5) beyond end of range (1): 5-1',
    '*/0 * * * *': 'step of range should be a positive number: */0',
    '1/2/3 * * * *': 'too many slashes: 1/2/3',
    'x * * * *': 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax',
    '@often': 'unrecognized descriptor: @often',
    'TZ=UTC * * * * *': 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
  }
  for (const [schedule, message] of Object.entries(bad)) {
    const shown = message.startsWith('step') ? JSON.stringify(schedule) : JSON.stringify(schedule)
    await check([[cron(schedule), `spec.schedule: Invalid value: ${shown}: ${message}`]])
  }
  await check([
    [cron('', ''), 'spec.schedule: Required value'],
    [cron('@daily', ', timeZone: Europe/Berlin')],
    [cron('@daily', ', timeZone: Mars/Base'), 'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
    [
      cron('@daily', ', timeZone: Local'),
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
    [
      cron('@daily', ', startingDeadlineSeconds: -1, successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1'),
      'spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      cron('@daily', ', concurrencyPolicy: Never'),
      'spec.concurrencyPolicy: Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"',
    ],
    [
      cron('@daily', '', 'a'.repeat(53)),
      `metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`,
    ],
  ])
})
