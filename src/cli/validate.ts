/** `kube validate`: whether an API server would take the manifests, and what kube would not do with them. */
import { type Diagnostic, KubeError } from '../diagnostic.ts'
import { diagnosticCodes } from '../manifest/codes.ts'
import { readManifests } from '../manifest/read.ts'
import type { Io } from './context.ts'
import { gatherTexts } from './gather.ts'
import { diagnosticsGithub, diagnosticsJson, diagnosticsSarif, renderDiagnostics } from './render-diagnostics.ts'
import { VERSION } from './version.ts'

export interface ValidateOptions {
  /** `-f`: what is read before the arguments. */
  readonly filename?: readonly string[]
  readonly namespace?: string
  readonly recursive?: boolean
  readonly kustomize?: boolean
  readonly skipUnknown?: boolean
  /** Makes warnings and notices errors. */
  readonly strict?: boolean
  /** With `-o yaml`: fills in what an API server would. */
  readonly defaults?: boolean
  readonly quiet?: boolean
  readonly output?: string
}

const outputs = ['text', 'json', 'sarif', 'github', 'yaml']

/** Exit status 0 when there is no error, else 2. */
export async function runValidate(
  [files]: readonly [readonly string[]],
  options: ValidateOptions,
  { io }: { readonly io: Pick<Io, 'out' | 'err' | 'readInput' | 'colour'> },
): Promise<number> {
  const output = options.output ?? 'text'
  if (!outputs.includes(output))
    throw new KubeError('Usage', `unknown output format ${output}: one of ${outputs.join(', ')}`, { exitStatus: 2 })
  const targets = [...(options.filename ?? []), ...files]
  if (targets.length === 0) {
    const hint = 'name files, directories or -'
    throw new KubeError('Usage', 'nothing to validate', { exitStatus: 2, hint })
  }
  const texts = await gatherTexts(targets, {
    readInput: io.readInput,
    recursive: options.recursive === true,
    kustomize: options.kustomize === true,
  })
  const { objects, diagnostics } = await readManifests(texts, {
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    skipUnknown: options.skipUnknown === true,
    refusals: 'warning',
  })
  const judged = options.strict === true ? diagnostics.map(strictly) : diagnostics
  const failed = judged.some(diagnostic => diagnostic.severity === 'error')
  if (output === 'json') io.out(diagnosticsJson(judged))
  else if (output === 'github') io.out(diagnosticsGithub(judged))
  else if (output === 'sarif') io.out(diagnosticsSarif(judged, VERSION, code => diagnosticCodes[code]?.meaning))
  else if (output === 'yaml') {
    if (failed) io.err(renderDiagnostics(io, judged, texts))
    const [{ printManifest }, { withDefaults }] = await Promise.all([
      import('../manifest/print.ts'),
      import('../manifest/defaults.ts'),
    ])
    const values = objects.map(object => (options.defaults === true ? withDefaults(object.value) : object.value))
    if (!failed) io.out(printManifest(values))
  } else {
    const shown = options.quiet === true ? judged.filter(diagnostic => diagnostic.severity === 'error') : judged
    io.out(renderDiagnostics(io, shown, texts))
    if (options.quiet !== true) io.out(summary(objects.length, judged))
  }
  return failed ? 2 : 0
}

function strictly(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, severity: 'error' }
}

function summary(objects: number, diagnostics: readonly Diagnostic[]): string {
  const parts = (['error', 'warning', 'notice'] as const).flatMap(severity => {
    const count = diagnostics.filter(diagnostic => diagnostic.severity === severity).length
    return count === 0 ? [] : [counted(count, severity)]
  })
  const good = objects === 0 && diagnostics.length === 0 ? 'nothing to check' : `${counted(objects, 'object')} valid`
  return `${[good, ...parts].join(', ')}\n`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
