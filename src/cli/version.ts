/** The version, as package.json has it; the build puts it in place. */
declare const __KUBE_VERSION__: string | undefined

export const VERSION = typeof __KUBE_VERSION__ === 'string' ? __KUBE_VERSION__ : '0.0.0-source'
