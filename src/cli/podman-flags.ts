/**
 * Flags of podman that ask for what kube does not do, or does anyway: each that is refused says what to do instead. The
 * help does not show them. Source: podman-kube-play(1) and podman-kube-generate(1) of podman 5.8.
 */
import { type Command, Option } from 'commander'
import { KubeError } from '../diagnostic.ts'

interface PodmanFlag {
  /** As commander declares it. */
  readonly usage: string
  /** Values that ask for what is done anyway. Default none. */
  readonly harmless?: readonly string[]
  readonly message: string
  readonly hint: string
}

const NO_BUILD = {
  message: 'images are not built by play',
  hint: 'build it with podman or docker, then `podman save IMAGE | kube load`',
}

const NO_LINK_SETTINGS = {
  message: 'addresses are leased from the network that all pods share',
  hint: 'reach a pod by a hostPort, by `kube port-forward`, or at the IP that `kube get pods -o wide` shows',
}

const NO_SERVICE_CONTAINER = {
  message: 'there is no service container',
  hint: 'under systemd, `kube play --wait` stays until everything ended and ends with its status',
}

const REFUSED = {
  play: [
    { usage: '--build [bool]', harmless: ['false'], ...NO_BUILD },
    { usage: '--context-dir <dir>', ...NO_BUILD },
    {
      usage: '--cert-dir <dir>',
      message: 'certificates of registries have their usual place',
      hint: 'put them into /etc/containers/certs.d/HOST:PORT/, or use --tls-verify=false',
    },
    { usage: '--ip <address>', ...NO_LINK_SETTINGS },
    { usage: '--static-ip <address>', ...NO_LINK_SETTINGS },
    { usage: '--mac-address <address>', ...NO_LINK_SETTINGS },
    { usage: '--service-container [bool]', harmless: ['false'], ...NO_SERVICE_CONTAINER },
    { usage: '--service-exit-code-propagation <how>', harmless: ['none'], ...NO_SERVICE_CONTAINER },
    {
      usage: '--signature-policy <file>',
      message: 'signatures of images are not checked',
      hint: 'name an image by its digest, which is checked: IMAGE@sha256:...',
    },
    {
      usage: '--validate <level>',
      harmless: ['strict'],
      message: 'manifests are always checked strictly',
      hint: '--skip-unknown passes over unknown kinds with a warning',
    },
    {
      usage: '--replicas [bool]',
      harmless: ['true'],
      message: 'replicas are always honoured',
      hint: 'write replicas: 1 into the manifest',
    },
  ],
  generate: [],
} satisfies Readonly<Record<string, readonly PodmanFlag[]>>

/** What is so anyway: containers have the names that the manifest gives them, nothing is cut off, annotations are kept. */
const AS_IT_IS = { play: ['--no-pod-prefix', '--no-trunc'], generate: ['--no-trunc', '--podman-only [bool]'] } as const

type PodmanVerb = keyof typeof REFUSED

/** Declares a verb's flags. `--ip` and the like may be repeated, as podman has it. */
export function withPodmanFlags(command: Command, verb: PodmanVerb): Command {
  for (const { usage } of REFUSED[verb]) command.addOption(new Option(usage).hideHelp())
  for (const usage of AS_IT_IS[verb]) command.addOption(new Option(usage).hideHelp())
  return command
}

/** Fails with exit status 2 for a flag that asks for what is not done, saying what to do instead. */
export function refuseFlags(verb: PodmanVerb, options: Readonly<Record<string, unknown>>): void {
  for (const { usage, harmless = [], message, hint } of REFUSED[verb] as readonly PodmanFlag[]) {
    const option = new Option(usage)
    const value = options[option.attributeName()]
    if (value === undefined || harmless.includes(String(value))) continue
    throw new KubeError('Usage', `${option.long}: ${message}`, { exitStatus: 2, hint })
  }
}
