/** `kube completion`: what the shell asks when Tab is pressed. */
import { KubeError } from '../diagnostic.ts'
import type { Context } from './context.ts'
import { resourceKinds } from './resources.ts'

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

/** Verbs whose first argument is a pod, an app, an image, or a kind and then a name. */
const PODS = new Set(['logs', 'exec', 'attach', 'cp', 'port-forward', 'debug', 'restart', 'stop', 'start', 'stats'])
const APPS = new Set(['down'])
const BOTH = new Set(['generate', 'inspect'])
const IMAGES = new Set(['rmi', 'tag', 'save', 'push', 'inspect'])
const KINDS = new Set(['get', 'describe', 'delete', 'wait', 'top'])

/** What can be typed without knowing what there is. */
export interface Grammar {
  readonly verbs: readonly string[]
  /** Long options of a verb. */
  readonly optionsOf: (verb: string) => readonly string[]
}

/** Every answer on a line of its own; the shell picks those that fit. The last word is the one being typed. */
export async function runComplete(words: readonly string[], grammar: Grammar, context: Context): Promise<undefined> {
  const [verb = '', ...rest] = words.filter(word => !word.startsWith('-'))
  const answers = words.at(-1)?.startsWith('-')
    ? grammar.optionsOf(verb)
    : words.length <= 1
      ? grammar.verbs
      : await argumentsOf(verb, rest, context)
  context.io.out(answers.map(answer => `${answer}\n`).join(''))
  return undefined
}

async function argumentsOf(verb: string, rest: readonly string[], context: Context): Promise<readonly string[]> {
  if (KINDS.has(verb) && rest.length <= 1)
    return resourceKinds.flatMap(({ plural, shortNames }) => [plural, ...shortNames])
  const answers: string[] = []
  const { state, store } = await context.host()
  if (PODS.has(verb) || BOTH.has(verb)) answers.push(...state.pods().map(({ plan }) => plan.name))
  if (APPS.has(verb) || BOTH.has(verb)) answers.push(...state.apps().map(({ name }) => name))
  if (IMAGES.has(verb)) answers.push(...store.list().flatMap(({ references }) => references))
  if (KINDS.has(verb)) answers.push(...namesOf(rest[0] ?? '', state))
  return [...new Set(answers)]
}

function namesOf(type: string, state: Awaited<ReturnType<Context['host']>>['state']): readonly string[] {
  const kind = resourceKinds.find(
    info => info.plural === type || info.kind.toLowerCase() === type || info.shortNames.includes(type),
  )?.kind
  if (kind === 'Pod') return state.pods().map(({ plan }) => plan.name)
  return kind === undefined ? [] : state.objects({ kind }).map(({ name }) => name)
}
