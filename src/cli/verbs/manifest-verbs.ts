/** The verbs that look at manifests only: no state, no root, no network. */
import { Option } from 'commander'
import { type AddVerb, collect, type Entry } from './verb.ts'

export function addManifestVerbs(verb: AddVerb): void {
  verb(
    'validate [files...]',
    'check manifests as an API server does, and tell what kube would not do with them',
    async () => (await import('../validate.ts')).runValidate as Entry,
  )
    .option('-f, --filename <file>', 'a file, directory, glob, URL or -; can be repeated', collect)
    .option('-R, --recursive', 'also the directories below a directory')
    .option('-k, --kustomize', 'build the arguments with kustomize')
    .option('-n, --namespace <name>', 'namespace of objects that name none')
    .option('--skip-unknown', 'pass over unknown kinds with a warning')
    .option('--strict', 'warnings and notices are errors')
    .option('--defaults', 'with -o yaml: fill in what an API server fills in')
    .option('-q, --quiet', 'errors only')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json', 'sarif', 'github', 'yaml']).default('text'))

  verb(
    'explain [target]',
    "a field's documentation, default and support (pod.spec.containers), or a diagnostic's code",
    async () => (await import('../explain.ts')).runExplain as Entry,
  )
    .option('--support', 'the table of what is honoured, accepted and refused')
    .option('--recursive', 'all fields below')
    .option('--api-version <version>', 'where a kind has several')
    .addOption(new Option('-o, --output <format>', 'of --support').choices(['json', 'markdown']))
}
