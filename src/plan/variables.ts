/** `$(VAR)` references, as the kubelet expands them in env values, command, args and subPathExpr. */

/** What stands for a reference; undefined leaves it as it is written. */
export type Lookup = (name: string) => string | undefined

/**
 * `$(NAME)` becomes its value, `$$` a dollar sign, so that `$$(NAME)` is the text `$(NAME)`. A reference to an unknown
 * name, an unclosed one and a dollar sign before anything else stay as they are.
 * Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
 */
export function expandVariables(text: string, lookup: Lookup): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (match: string, name: string | undefined) => {
    if (name === undefined) return '$'
    return lookup(name) ?? match
  })
}

/** The names that a text refers to, in order; a name may appear more than once. */
export function referencedVariables(text: string): readonly string[] {
  const names: string[] = []
  expandVariables(text, name => {
    names.push(name)
    return undefined
  })
  return names
}
