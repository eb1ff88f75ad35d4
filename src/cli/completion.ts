/** `kube completion`: what the shell asks when Tab is pressed. */
import { KubeError } from '../diagnostic.ts'
import { isWorkload } from '../workloads/decide.ts'
import type { Context } from './context.ts'
import { findResourceKind, resourceKinds } from './resources.ts'

const BASH = `_kube() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(kube __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _kube kube
`

const ZSH = `#compdef kube
_kube() {
  local -a answers
  answers=(\${(f)"$(kube __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -a answers
  _files
}
compdef _kube kube
`

const FISH = `complete -c kube -a '(kube __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

export async function runCompletion([shell]: [string], _options: object, context: Context): Promise<undefined> {
  const script = SCRIPTS[shell]
  if (script === undefined) {
    const message = `no completion for ${shell}: bash, zsh and fish are known`
    throw new KubeError('Usage', message, { exitStatus: 2 })
  }
  context.io.out(script)
  return undefined
}

/** A place in a command line: the command that the words before it lead to, and what is left of them. */
export interface Place {
  /** `logs`, `rollout status`; empty where no verb was given yet. */
  readonly verb: string
  /** Verbs that may stand here. */
  readonly verbs: readonly string[]
  /** Long options that the help shows. */
  readonly options: readonly string[]
  /** The arguments before it. */
  readonly args: readonly string[]
  /** The value of the option `--namespace` given before it. */
  readonly namespace?: string
  /** The option whose value stands here. */
  readonly option?: { readonly name: string; readonly values: readonly string[] }
}

/** Where the last word stands; `undefined`: where it is none of our business, behind `--`. */
export type PlaceOf = (words: readonly string[]) => Place | undefined

/** Every answer on a line of its own; the shell picks those that fit. The last word is the one being typed. */
export async function runComplete(words: readonly string[], placeOf: PlaceOf, context: Context): Promise<undefined> {
  const place = placeOf(words.slice(0, -1))
  const answers = place ? await answersAt(place, words.at(-1) ?? '', context) : []
  context.io.out([...new Set(answers)].map(answer => `${answer}\n`).join(''))
  return undefined
}

async function answersAt(place: Place, word: string, context: Context): Promise<readonly string[]> {
  const { option, verbs } = place
  if (option) return option.values.length > 0 ? option.values : valuesOf(option.name, place, context)
  if (word.startsWith('-')) return place.options
  return verbs.length > 0 ? verbs : argumentsOf(place, context)
}

/** Verbs whose arguments are pods, workloads as KIND/NAME, apps, images, volumes, or a kind and then names. */
const OF = {
  pods: [
    ...['logs', 'exec', 'attach', 'cp', 'port-forward', 'port', 'debug', 'restart', 'stop', 'start', 'stats'],
    ...['generate', 'inspect'],
  ],
  workloads: ['logs', 'exec', 'port-forward', 'restart', 'stop', 'start', 'generate', 'scale'],
  apps: ['down', 'restart', 'stop', 'start', 'generate'],
  images: ['rmi', 'tag', 'inspect'],
  volumes: ['volume rm', 'volume inspect'],
  kinds: ['get', 'describe', 'delete', 'wait', 'scale'],
} as const

/** Verbs with one pod, whose second argument is a part of it. */
const PARTS: Readonly<Record<string, 'containers' | 'ports'>> = {
  logs: 'containers',
  'port-forward': 'ports',
  port: 'ports',
}

function isOf(list: keyof typeof OF, verb: string): boolean {
  return (OF[list] as readonly string[]).includes(verb) || (list === 'workloads' && verb.startsWith('rollout '))
}

async function argumentsOf({ verb, args, namespace }: Place, context: Context): Promise<readonly string[]> {
  if (verb === 'completion') return Object.keys(SCRIPTS)
  if (verb === 'explain') return resourceKinds.map(({ kind }) => kind.toLowerCase())
  if (verb === 'top' && args.length === 0) return ['pods', 'nodes']
  const answers: string[] = []
  if (isOf('kinds', verb) && args.length === 0)
    answers.push(...resourceKinds.flatMap(({ plural, shortNames }) => [plural, ...shortNames]))
  const { state, store, layout } = await context.host()
  const pods = state.pods().filter(({ plan }) => plan.namespace === (namespace ?? 'default'))
  const part = args.length > 0 ? PARTS[verb] : undefined
  if (part) {
    const members = pods.find(({ plan }) => plan.name === args[0]?.replace(/^.*\//, ''))?.plan.members ?? []
    if (part === 'containers') return members.map(({ name }) => name)
    return members.flatMap(({ container }) => container.ports ?? []).map(({ containerPort }) => `${containerPort}`)
  }
  if (isOf('pods', verb)) answers.push(...pods.map(({ plan }) => plan.name))
  if (isOf('workloads', verb))
    answers.push(
      ...state
        .objects({ namespace: namespace ?? 'default' })
        .filter(({ kind }) => isWorkload(kind))
        .map(({ kind, name }) => `${kind.toLowerCase()}/${name}`),
    )
  if (isOf('apps', verb)) answers.push(...state.apps().map(({ name }) => name))
  if (isOf('images', verb)) answers.push(...store.list().flatMap(({ references }) => references))
  if (isOf('volumes', verb)) {
    const { openClaimStore } = await import('../host/volumes/claim-store.ts')
    answers.push(
      ...openClaimStore(layout)
        .list()
        .map(({ name }) => name),
    )
  }
  if (isOf('kinds', verb) || verb === 'top') answers.push(...namesOf(args[0] ?? '', state))
  return answers
}

/** Of options whose values are what there is. Nothing: the shell offers files. */
async function valuesOf(option: string, { args }: Place, context: Context): Promise<readonly string[]> {
  const { state } = await context.host()
  if (option === '--namespace') return ['default', ...state.objects().map(({ namespace }) => namespace)].filter(Boolean)
  if (option === '--app') return state.apps().map(({ name }) => name)
  if (option !== '--container') return []
  return state
    .pods()
    .filter(({ plan }) => plan.name === args[0])
    .flatMap(({ plan }) => plan.members.map(({ name }) => name))
}

function namesOf(type: string, state: Awaited<ReturnType<Context['host']>>['state']): readonly string[] {
  const kind = findResourceKind(type)?.kind
  if (kind === 'Pod') return state.pods().map(({ plan }) => plan.name)
  return kind === undefined ? [] : state.objects({ kind, made: true }).map(({ name }) => name)
}
