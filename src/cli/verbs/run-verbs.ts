/** Verbs that run manifests and take away what they made. */
import { type Command, Option } from 'commander'
import { withPodmanFlags } from '../podman-flags.ts'
import { type AddVerb, collect, type Entry, namespaceOption, outputOption, seconds } from './verb.ts'

/** How manifests are named, by the verbs that run them. */
function withManifestOptions(command: Command): Command {
  return command
    .option('-f, --filename <file>', 'as an argument; can be repeated', collect)
    .option('-R, --recursive', 'also the directories below a directory')
    .option('-k, --kustomize', 'build the arguments with kustomize')
    .option('--skip-unknown', 'pass over unknown kinds with a warning')
}

export function addPlayVerb(verb: AddVerb): void {
  const play = withManifestOptions(
    verb(
      'play [files...]',
      'run the pods of manifests: files, directories, globs, URLs or - for standard input',
      async () => (await import('../play.ts')).runPlay as Entry,
    ),
  )
    .addOption(namespaceOption())
    .option('--app <name>', 'name of the app (default: from the file)')
    .option(
      '--seccomp-profile-root <dir>',
      'where seccomp profiles of type Localhost are (default: /var/lib/kubelet/seccomp)',
    )
    .option('--replace', 'make everything again, even what did not change')
    .option('--dry-run', 'only say what would change')
    .option(
      '-w, --wait [what]',
      'ready: until every pod is; complete: until run-once pods and Jobs are done; alone: stay until everything ended, then take it away and end with its status',
    )
    .option('--timeout <duration>', 'how long to wait (default: 5m for ready, else as long as it takes)')
    .option('-a, --attach', 'stay, and print what the containers write; Ctrl-C takes everything away, twice at once')
    .option('--watch', 'play again whenever a manifest file is saved')
    .option('--annotation <name=value>', 'an annotation for every pod; can be repeated', collect)
    .option('--configmap <file>', 'more manifests, of ConfigMaps; can be repeated', collect)
    .option('--publish <port>', '[[ip:][hostPort]:]containerPort[/protocol]; can be repeated', collect)
    .option('--publish-all', "publish every containerPort as the machine's port of the same number")
    .option('--start [bool]', 'false: make everything, and start nothing until `kube start`')
    .option('--network <mode>', 'host: the network of the machine itself')
    .option('--userns <mode>', 'auto: a user namespace for each pod; host: none')
    .option('--no-hosts', "leave the images' own /etc/hosts alone")
    .option('--no-hostname', "leave the images' own /etc/hostname alone")
    .option('--log-driver <driver>', 'k8s-file, journald (the journal as well) or none (default: k8s-file)')
    .option('--log-opt <name=value>', 'max-size=SIZE, or with journald tag=TEXT; can be repeated', collect)
    .option('--authfile <file>', 'registry passwords, as podman and docker write them')
    .option('--creds <user:password>', 'user and password for the registries')
    .option('--tls-verify [bool]', 'false: plain HTTP or an unverified certificate will do')
    .addOption(new Option('--net <mode>').hideHelp())
    .addOption(new Option('--down').hideHelp())
    .addOption(new Option('--force').hideHelp())
    .addOption(new Option('--volumes').hideHelp())
    .option('-q, --quiet', 'no progress')
    .addOption(outputOption('json'))
  withPodmanFlags(play, 'play')
}

export function addRunVerbs(verb: AddVerb): void {
  withManifestOptions(
    verb(
      'plan [files...]',
      'show what play would make, without touching anything',
      async () => (await import('../plan.ts')).runPlan as Entry,
    ),
  )
    .addOption(namespaceOption())
    .addOption(outputOption('json', 'yaml'))

  verb(
    'down [targets...]',
    'stop and remove what a manifest made, by file or by app name',
    async () => (await import('../down.ts')).runDown as Entry,
  )
    .addOption(namespaceOption())
    .option('-f, --filename <file>', 'as an argument; can be repeated', collect)
    .option('--grace-period <seconds>', "seconds before SIGKILL (default: the pod's own)", seconds)
    .option('--volumes', 'also the volumes of its claims, with all that is in them')
    .addOption(new Option('--force', 'the same, as podman has it').hideHelp())
    .addOption(outputOption('json'))

  verb(
    'delete [resources...]',
    'take objects away, with the pods they made: KIND NAME..., KIND/NAME..., KIND --all',
    async () => (await import('../delete.ts')).runDelete as Entry,
  )
    .addOption(namespaceOption('namespace of the objects'))
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--all', 'all of the kind')
    .option('-l, --selector <labels>', 'those with these labels')
    .option('--field-selector <fields>', 'those with these values')
    .option('-f, --filename <file>', 'the objects that a manifest names', collect)
    .option('--grace-period <seconds>', "seconds before SIGKILL (default: the pod's own)", seconds)
    .option('--now', 'a grace period of 1 second')
    .option('--force', 'at once, without a grace period')
    .option('--wait [bool]', 'false: return at once, while it goes on')
    .addOption(
      new Option('--cascade [mode]', 'background or foreground: with what they made; orphan: only what made nothing')
        .preset('background')
        .choices(['background', 'foreground', 'orphan', 'true', 'false']),
    )
    .option('--ignore-not-found', 'no error for what is not there')
    .addOption(outputOption('name'))

  verb(
    'shut-down',
    'end all containers because the machine is shut down',
    async () => (await import('../shut-down.ts')).runShutDown as Entry,
    { hidden: true },
  )

  verb(
    'supervise',
    'look after the pods that need it, until none does',
    async () => (await import('../supervise.ts')).runSupervise as Entry,
    { hidden: true },
  )
}
