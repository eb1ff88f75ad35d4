/** Verbs that turn what runs back into text. */
import { Option } from 'commander'
import { GENERATE_TYPES } from '../../generate/types.ts'
import { withPodmanFlags } from '../podman-flags.ts'
import { type AddVerb, type Entry, namespaceOption, outputOption, wholeNumber } from './verb.ts'

export function addMakeVerbs(verb: AddVerb): void {
  const generate = verb(
    'generate <names...>',
    'print manifests of pods, workloads, apps or named volumes: NAME, KIND/NAME, app/NAME, volume/NAME',
    async () => (await import('../generate.ts')).runGenerate as Entry,
  )
    .addOption(namespaceOption('namespace of the names'))
    .option('-s, --service', 'with a Service for each')
    .addOption(new Option('-t, --type <kind>', 'as another kind').choices([...GENERATE_TYPES]))
    .option('-r, --replicas <number>', 'this many pods of each workload', text => wholeNumber(text, 'replicas'))
    .option('-f, --filename <file>', 'write a new file instead of printing')
    .addOption(outputOption('yaml', 'json'))
  withPodmanFlags(generate, 'generate')
}
