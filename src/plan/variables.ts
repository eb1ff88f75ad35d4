/** `$(VAR)` references, as the kubelet expands them in env values, command, args and subPathExpr. */
import { KubeError } from '../diagnostic.ts'

/** What stands for a reference; undefined leaves it as it is written. */
export type Lookup = (name: string) => string | undefined

/**
 * Longest result of an expansion, in UTF-16 code units: the kernel takes no longer variable or argument (MAX_ARG_STRLEN).
 * Variables that refer to one another twice each would fill the memory.
 */
const maxLength = 131_072

/**
 * `$(NAME)` becomes its value, `$$` a dollar sign, so that `$$(NAME)` is the text `$(NAME)`. A reference to an unknown
 * name, an unclosed one and a dollar sign before anything else stay as they are. Throws `ArgumentTooLong`.
 * Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
 */
export function expandVariables(text: string, lookup: Lookup): string {
  let expanded = ''
  let copied = 0
  // Where the next reference may be closed: a search that found nothing is not done again.
  let close = 0
  const replace = (from: number, to: number, by: string): void => {
    expanded += text.slice(copied, from) + by
    if (expanded.length > maxLength) {
      throw new KubeError('ArgumentTooLong', `variables expand to more than ${maxLength} bytes: argument list too long`)
    }
    copied = to
  }
  for (let at = text.indexOf('$'); at !== -1; at = text.indexOf('$', Math.max(at + 1, copied))) {
    const next = text[at + 1]
    if (next === '$') replace(at, at + 2, '$')
    if (next !== '(' || close === -1) continue
    if (close <= at) close = text.indexOf(')', at)
    if (close === -1) continue
    replace(at, close + 1, lookup(text.slice(at + 2, close)) ?? text.slice(at, close + 1))
  }
  return expanded + text.slice(copied)
}
