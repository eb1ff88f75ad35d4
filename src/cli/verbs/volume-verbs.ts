/** Verbs for named volumes: the storage behind persistentVolumeClaims. */
import { type AddVerb, type Entry, namespaceOption, outputOption } from './verb.ts'

export function addVolumeVerbs(verbIn: (group: string, description: string) => AddVerb): void {
  const volume = verbIn('volume', 'named volumes, which persistentVolumeClaims of pods lead to')

  volume('ls', 'list named volumes', async () => (await import('../volume.ts')).runVolumeLs as Entry)
    .option('-n, --namespace <name>', 'only those of this namespace')
    .option('-q, --quiet', 'names only')
    .addOption(outputOption('json'))

  volume(
    'inspect <names...>',
    'show where volumes are, how large, and which pods use them',
    async () => (await import('../volume.ts')).runVolumeInspect as Entry,
  ).addOption(namespaceOption('namespace of the names'))

  volume(
    'create <names...>',
    'make empty volumes, to be filled before a pod uses them',
    async () => (await import('../volume.ts')).runVolumeCreate as Entry,
  ).addOption(namespaceOption('namespace of the names'))

  volume(
    'rm <names...>',
    'remove volumes with all that is in them; none that a pod uses',
    async () => (await import('../volume.ts')).runVolumeRm as Entry,
  )
    .addOption(namespaceOption('namespace of the names'))
    .option('-i, --ignore', 'no error for a volume that is not there')

  volume(
    'prune',
    'remove the volumes that neither a pod uses nor a claim of a played app names',
    async () => (await import('../volume.ts')).runVolumePrune as Entry,
  )
    .option('-n, --namespace <name>', 'only those of this namespace')
    .option('--dry-run', 'only tell which')
    .addOption(outputOption('json'))
}
