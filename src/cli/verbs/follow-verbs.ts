/** Verbs that wait for what happens. */
import { Option } from 'commander'
import { type AddVerb, collect, type Entry, namespaceOption, outputOption } from './verb.ts'

export function addFollowVerbs(verb: AddVerb): void {
  verb(
    'wait [resources...]',
    'wait until objects are what they shall be: wait pod/NAME --for=condition=Ready',
    async () => (await import('../wait.ts')).runWait as Entry,
  )
    .addOption(namespaceOption('namespace of the objects'))
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--for <condition>', "condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], create or delete")
    .option('--timeout <duration>', 'how long; 0 looks once, less waits for a week (default: 30s)')
    .option('--all', 'all of the kind')
    .option('-l, --selector <labels>', 'those with these labels')
    .option('--field-selector <fields>', 'those with these values')
    .option('-f, --filename <file>', 'the objects that a manifest names', collect)
    .addOption(outputOption('name'))

  verb('events', 'show what happened to objects', async () => (await import('../events.ts')).runEvents as Entry)
    .addOption(namespaceOption('namespace of the objects'))
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--for <object>', 'only of one: pod/NAME')
    .option('--types <types>', 'only Normal or Warning ones')
    .option('-w, --watch', 'go on with what happens next')
    .option('--no-headers', 'a table without its first line')
    .addOption(outputOption('json', 'yaml', 'wide', 'name', 'jsonpath=TEMPLATE', 'custom-columns=NAME:PATH,...'))

  verb(
    'diff [files...]',
    'show what playing the files again would change; exit status 1 when something would',
    async () => (await import('../diff.ts')).runDiff as Entry,
  )
    .addOption(namespaceOption())
    .option('-f, --filename <file>', 'as an argument; can be repeated', collect)
    .option('-R, --recursive', 'also the directories below a directory')
    .option('-k, --kustomize', 'build the arguments with kustomize')
    .option('--skip-unknown', 'pass over unknown kinds with a warning')
    .option('--app <name>', 'name of the app (default: from the file)')

  verb(
    'port-forward <target> [ports...]',
    'ports of this machine that lead into a pod until Ctrl-C: POD, KIND/NAME or service/NAME, then LOCAL:REMOTE...',
    async () => (await import('../port-forward.ts')).runPortForward as Entry,
  )
    .addOption(namespaceOption('namespace of the pod'))
    .addOption(
      new Option('--address <addresses>', 'where to listen: localhost or addresses of this machine').default(
        'localhost',
      ),
    )
    .addOption(new Option('--pod-running-timeout <duration>', 'how long to wait for a pod that runs').default('1m0s'))

  verb(
    'port [pod] [port]',
    'show where the ports of a pod are reached on this machine',
    async () => (await import('../port.ts')).runPort as Entry,
  )
    .addOption(namespaceOption('namespace of the pod'))
    .option('-a, --all', 'of all pods')
    .addOption(outputOption('json'))
}
