/** Verbs that change workloads: `kube scale`, `kube rollout undo`. */
import { type Command, Option } from 'commander'
import { type AddVerb, collect, type Entry, namespaceOption, outputOption, seconds, wholeNumber } from './verb.ts'

export function addWorkloadVerbs(verb: AddVerb, verbIn: (group: string, description: string) => AddVerb): void {
  const load = async () => await import('../rollout.ts')

  withTargets(
    verb(
      'scale [resources...]',
      'another number of replicas: KIND/NAME... --replicas=COUNT',
      async () => (await import('../scale.ts')).runScale as Entry,
    ),
  )
    .option('--replicas <count>', 'how many', text => wholeNumber(text, 'replicas'))
    .option('--current-replicas <count>', 'only when there are that many now', text => wholeNumber(text, 'replicas'))
    .option('--all', 'all of the kind')
    .addOption(outputOption('name'))

  verb(
    'patch <resource> [name]',
    "set conditions of a pod's status, which readiness gates wait for: pod NAME --subresource=status -p PATCH",
    async () => (await import('../patch.ts')).runPatch as Entry,
  )
    .addOption(namespaceOption("the pod's namespace"))
    .option('-p, --patch <patch>', `such as '{"status":{"conditions":[{"type":"TYPE","status":"True"}]}}'`)
    .option('--patch-file <file>', 'a file that holds the patch')
    .option('--type <type>', 'strategic, or merge: the list of conditions as a whole', 'strategic')
    .option('--subresource <name>', 'status')
    .addOption(outputOption('name'))

  withGrace(
    verb(
      'restart <names...>',
      'run the containers of pods or apps anew: POD..., APP...; workloads get new pods: deployment/NAME...',
      async () => (await import('../restart.ts')).runRestart as Entry,
    ).addOption(namespaceOption('namespace of the names')),
  )
  withGrace(
    withPods(
      verb(
        'stop [names...]',
        'end the containers of pods, which stay as they are until they are started: POD..., APP..., KIND/NAME...',
        async () => (await import('../stop.ts')).runStop as Entry,
      ),
    ),
  )
  withPods(
    verb(
      'start [names...]',
      'run the containers of stopped pods again: POD..., APP..., KIND/NAME...',
      async () => (await import('../stop.ts')).runStart as Entry,
    ),
  )

  const rollout = verbIn('rollout', "a workload's updates: status, history, undo, restart, pause, resume")
  withTargets(
    rollout(
      'status [resources...]',
      'follow an update to its end: deployment/NAME...',
      async () => (await load()).runRolloutStatus as Entry,
    ),
  )
    .option('-w, --watch [bool]', 'false: only how it is now', text => text !== 'false', true)
    .option('--timeout <duration>', 'how long to wait, such as 30s (default: for ever)')
  withTargets(
    rollout(
      'history [resources...]',
      'the revisions, each with its change-cause',
      async () => (await load()).runRolloutHistory as Entry,
    ),
  ).option('--revision <number>', 'the template of this one', revision)
  withTargets(
    rollout('undo [resources...]', 'back to the revision before', async () => (await load()).runRolloutUndo as Entry),
  ).option('--to-revision <number>', 'back to this one', revision)
  withTargets(
    rollout('restart [resources...]', 'new pods for all', async () => (await load()).runRolloutRestart as Entry),
  )
  withTargets(rollout('pause [resources...]', 'let changes wait', async () => (await load()).runRolloutPause as Entry))
  withTargets(
    rollout('resume [resources...]', 'roll out what waited', async () => (await load()).runRolloutResume as Entry),
  )

  const create = verbIn('create', 'make an object: job')
  create(
    'job <name> [command...]',
    'run a job now: create job NAME --image=IMAGE [-- COMMAND...], or --from=cronjob/NAME',
    async () => (await import('../create-job.ts')).runCreateJob as Entry,
  )
    .addOption(namespaceOption('namespace of the objects'))
    .option('--image <image>', 'the image to run')
    .option('--from <cronjob>', 'the CronJob whose job it is: cronjob/NAME')
    .addOption(
      new Option('--dry-run [strategy]', 'client: only print what would be made; server: check it as well')
        .preset('client')
        .choices(['none', 'client', 'server']),
    )
    .addOption(outputOption('name', 'yaml', 'json'))
}

function withPods(command: Command): Command {
  return command
    .addOption(namespaceOption('namespace of the names'))
    .option('-a, --all', 'all pods of the namespace')
    .option('-l, --selector <labels>', 'pods with these labels')
    .option('-i, --ignore-not-found', 'no error for what is not there')
}

function withGrace(command: Command): Command {
  return command
    .option('--grace-period <seconds>', "seconds before SIGKILL (default: the pod's own)", seconds)
    .addOption(new Option('-t, --time <seconds>', 'the same, as podman has it').argParser(seconds).hideHelp())
}

function withTargets(command: Command): Command {
  return command
    .addOption(namespaceOption('namespace of the objects'))
    .option('-l, --selector <labels>', 'those with these labels')
    .option('-f, --filename <file>', 'the objects that a manifest names', collect)
}

function revision(text: string): number {
  return wholeNumber(text, 'revisions')
}
