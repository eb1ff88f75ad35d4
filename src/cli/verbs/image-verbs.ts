/** Verbs for images. */
import { type AddVerb, collect, type Entry, outputOption } from './verb.ts'

/** `verbIn` makes verbs of verbs: `kube image prune`. */
export function addImageVerbs(verb: AddVerb, verbIn: (group: string, description: string) => AddVerb): void {
  verb(
    'pull <images...>',
    'get images from their registries',
    async () => (await import('../pull.ts')).runPull as Entry,
  )
    .option('--platform <platform>', 'os/arch[/variant] (default: this machine)')
    .option('--authfile <file>', 'registry passwords, as podman and docker write them')
    .option('--creds <user:password>', 'user and password for the registry')
    .option('--tls-verify [bool]', 'false: plain HTTP or an unverified certificate will do')
    .option('-q, --quiet', 'no progress')
    .addOption(outputOption('json'))

  verb(
    'load [file]',
    'get images from a docker-archive, an oci-archive or an OCI layout directory',
    async () => (await import('../load.ts')).runLoad as Entry,
  )
    .option('-i, --input <file>', 'archive or directory (default: standard input)')
    .option('-q, --quiet', 'no progress')
    .addOption(outputOption('json'))

  verb(
    'import <file> <name>',
    'make an image from the tar of a root file system, or - for standard input',
    async () => (await import('../import.ts')).runImport as Entry,
  )
    .option(
      '-c, --change <instruction>',
      'Dockerfile instruction for its config, repeatable: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR',
      collect,
    )
    .addOption(outputOption('json'))

  verb('images [name]', 'list images', async () => (await import('../images.ts')).runImages as Entry)
    .option('-q, --quiet', 'only IDs')
    .option('--digests', "also the manifests' digests")
    .option('--no-trunc', 'whole IDs')
    .option('--no-headers', 'a table without its first line')
    .addOption(outputOption('json'))

  verb('rmi [images...]', 'remove images', async () => (await import('../rmi.ts')).runRmi as Entry)
    .option('-f, --force', 'all names of an ID; of an image in use the names, its files stay until they are free')
    .option('-a, --all', 'every image that is not in use')
    .option('-i, --ignore', 'no error for an image that is not there')
    .addOption(outputOption('json'))

  verb(
    'tag <image> <names...>',
    'give an image more names',
    async () => (await import('../tag.ts')).runTag as Entry,
  ).addOption(outputOption('json'))

  const image = verbIn('image', 'more about images')
  image(
    'prune',
    'remove images without a name, and what killed commands left',
    async () => (await import('../image-prune.ts')).runImagePrune as Entry,
  )
    .option('-a, --all', 'also those with a name that no pod uses')
    .addOption(outputOption('json'))
}
