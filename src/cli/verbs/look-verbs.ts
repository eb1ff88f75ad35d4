/** Verbs that look at what runs. */
import { Option } from 'commander'
import { type AddVerb, collect, type Entry, namespaceOption, outputOption, wholeNumber } from './verb.ts'

const IN_NAMESPACE = 'namespace to look in'

export function addLookVerbs(verb: AddVerb): void {
  verb(
    'get [resources...]',
    'show objects with their status: pods, deployments, configmaps, all, pod/NAME...',
    async () => (await import('../get.ts')).runGet as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-l, --selector <labels>', 'only objects with these labels: app=web,tier!=db')
    .option('--field-selector <fields>', 'only objects with these values: status.phase=Running')
    .option('-f, --filename <file>', 'the objects that a manifest names', collect)
    .addOption(
      outputOption(
        'json',
        'yaml',
        'wide',
        'name',
        'jsonpath=TEMPLATE',
        'jsonpath-as-json=TEMPLATE',
        'go-template=TEMPLATE',
        'custom-columns=NAME:PATH,...',
      ),
    )
    .option('--template <template>', 'of -o go-template or -o jsonpath')
    .option('--no-headers', 'a table without its first line')
    .option('--show-labels', 'a column with all labels')
    .option('-L, --label-columns <labels>', 'a column for each of these labels')
    .option('--sort-by <path>', 'order by the value at this path: .metadata.name')
    .option('--ignore-not-found', 'no error for what is not there')
    .option('-w, --watch', 'go on, printing what changes')
    .option('--watch-only', 'print nothing but what changes')
    .option('--chunk-size <number>', "kubectl's, without effect", text => wholeNumber(text, 'objects'))

  verb(
    'logs [pod] [container]',
    'print what a container wrote: POD, KIND/NAME or -l LABELS',
    async () => (await import('../logs.ts')).runLogs as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('-c, --container <name>', "the container (default: the pod's first)")
    .option('-f, --follow', 'go on until the container ends')
    .option('--tail <lines>', 'only the last lines; -1 for all')
    .option('--since <duration>', 'only what is newer than this: 30s, 5m, 1h30m')
    .option('--since-time <time>', 'only what was written after this time (RFC 3339)')
    .option('-t, --timestamps', 'the time before each line')
    .option('-p, --previous', "of the container's previous run")
    .option('--all-containers', 'of every container of the pod')
    .option('--all-pods', 'of every pod of the workload')
    .option('--prefix [bool]', 'pod and container before each line')
    .option('--limit-bytes <number>', 'no more than this of each', text => wholeNumber(text, 'bytes'))
    .option('-l, --selector <labels>', 'of every pod with these labels')
    .option('--max-log-requests <number>', 'how many may be followed at once (default: 5)', text =>
      wholeNumber(text, 'logs'),
    )
    .option('--ignore-errors', 'go on with the others when one cannot be read')

  verb(
    'debug <pod> [command...]',
    'add a container with tools to a running pod: debug POD --image IMAGE -it -- COMMAND',
    async () => (await import('../debug.ts')).runDebug as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('--image <name>', "the container's image")
    .option('--target <name>', 'the container whose processes it sees')
    .option('-c, --container <name>', 'its name (default: debugger- and five characters)')
    .option('-i, --stdin', 'hand on standard input')
    .option('-t, --tty', 'give it a terminal')
    .option('--attach', 'show what it writes until it ends (default: with -i or -t)')
    .option('-e, --env <NAME=VALUE>', 'a variable for it', collect)
    .addOption(new Option('--image-pull-policy <policy>').choices(['Always', 'IfNotPresent', 'Never']))
    .option('-q, --quiet', 'only what the container writes')

  verb(
    'exec <pod> [command...]',
    'run a command in a running container: exec POD -- COMMAND',
    async () => (await import('../exec.ts')).runExec as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('-c, --container <name>', "the container (default: the pod's first)")
    .option('-i, --stdin', 'hand on standard input')
    .option('-t, --tty', 'give the command a terminal')
    .option('-e, --env <NAME=VALUE>', 'a variable for the command', collect)
    .option('-w, --workdir <path>', 'where the command starts')
    .option('-q, --quiet', 'only what the command writes')

  verb(
    'attach <pod>',
    "join a running container's standard streams",
    async () => (await import('../attach.ts')).runAttach as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('-c, --container <name>', "the container (default: the pod's first)")
    .option('-i, --stdin', 'hand on standard input')
    .option('-t, --tty', "use the container's terminal")
    .option('-q, --quiet', 'only what the container writes')

  verb(
    'cp <source> <target>',
    'copy files: cp FILE POD:PATH, cp POD:PATH FILE',
    async () => (await import('../cp.ts')).runCp as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('-c, --container <name>', "the container (default: the pod's first)")

  verb('ps', 'list running containers', async () => (await import('../ps.ts')).runPs as Entry)
    .addOption(new Option('-n, --namespace <name>', 'only of this namespace'))
    .option('-a, --all', 'also those that do not run')
    .option('-l, --selector <labels>', 'only of pods with these labels')
    .option('-q, --quiet', 'ids only')
    .option('--no-trunc', 'whole ids')
    .option('--no-headers', 'a table without its first line')
    .addOption(outputOption('json'))

  verb(
    'describe <resources...>',
    'show objects at length: pod NAME, deployment/NAME...',
    async () => (await import('../describe.ts')).runDescribe as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-l, --selector <labels>', 'only objects with these labels')

  verb(
    'inspect <names...>',
    'everything about a pod, POD/CONTAINER, a container id or an image, as JSON',
    async () => (await import('../inspect.ts')).runInspect as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .addOption(new Option('-t, --type <type>', 'what the names are of').choices(['pod', 'container', 'image']))
    .addOption(outputOption('json'))

  verb(
    'top <type> [name]',
    'what pods or the node use: top pods',
    async () => (await import('../top.ts')).runTop as Entry,
  )
    .addOption(namespaceOption(IN_NAMESPACE))
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-l, --selector <labels>', 'only pods with these labels')
    .option('--containers', 'each container for itself')
    .option('--sort-by <what>', 'cpu or memory')
    .option('--no-headers', 'a table without its first line')
    .addOption(outputOption('json'))

  verb(
    'stats [names...]',
    'what containers use, over and over',
    async () => (await import('../stats.ts')).runStats as Entry,
  )
    .addOption(new Option('-n, --namespace <name>', 'only of this namespace'))
    .option('-l, --selector <labels>', 'only of pods with these labels')
    .option('--no-stream', 'once only')
    .addOption(outputOption('json'))
}
