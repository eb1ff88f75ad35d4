/** What each code of a diagnostic means, with an example that has it and one that has not: `kube explain CODE`. */

export interface CodeHelp {
  readonly meaning: string
  /** A manifest that gets the code. Absent where one would not fit a screen. */
  readonly bad?: string
  /** The same manifest put right. */
  readonly good?: string
}

const pod = (spec: string): string => `apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n${spec}`
const container = (fields: string): string => pod(`  containers:\n  - name: web\n    image: nginx:1.27\n${fields}`)
const configMap = (body: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\n${body}`

export const diagnosticCodes: Readonly<Record<string, CodeHelp>> = {
  AnnotationNotSupported: {
    meaning:
      'podman gives the annotation a meaning that kube has no counterpart for; the hint says what to write instead.',
  },
  AnnotationObsolete: {
    meaning: 'The annotation was what came before a field; it has no effect any more. The message names the field.',
    bad: `apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    seccomp.security.alpha.kubernetes.io/pod: runtime/default\nspec:\n  containers:\n  - name: web\n    image: nginx:1.27\n`,
    good: pod(
      '  securityContext: { seccompProfile: { type: RuntimeDefault } }\n  containers:\n  - name: web\n    image: nginx:1.27\n',
    ),
  },
  AnnotationUnused: {
    meaning: 'podman gives the annotation a meaning that is void here; the message says why. Nothing needs to be done.',
  },
  ClaimNotBound: {
    meaning: 'No volume fits the claim, so pods that mount it cannot start.',
  },
  ClaimNotDefined: {
    meaning:
      'The pod uses a claim that is neither in the manifest nor was it played before: a volume of that name is made for it.',
  },
  DeviceByName: {
    meaning:
      'A resource names a device of this machine, as podman has it: `vendor.com/class=device` by CDI, or `podman.io/device=/dev/path`. The container gets it; a cluster would refuse the name.',
  },
  DuplicateObject: {
    meaning:
      'Two objects of the set have the same kind, namespace and name. As with kubectl apply, the later one counts; the earlier one is left out.',
    bad: `${configMap('data: { a: "1" }\n')}---\n${configMap('data: { a: "2" }\n')}`,
    good: configMap('data: { a: "2" }\n'),
  },
  EnvNameTwice: {
    meaning: 'A variable is defined twice in one container: the later definition counts.',
    bad: container('    env:\n    - { name: MODE, value: a }\n    - { name: MODE, value: b }\n'),
    good: container('    env:\n    - { name: MODE, value: b }\n'),
  },
  EnvValueSkipped: {
    meaning:
      'A value of a Secret that envFrom takes whole holds a NUL byte, which no variable can hold; it is left out.',
  },
  FieldAccepted: {
    meaning:
      'The field is right but has no effect on one machine; the message says why. Nothing needs to be done. `kube explain --support` lists all such fields.',
    bad: pod('  nodeSelector: { disk: ssd }\n  containers:\n  - name: web\n    image: nginx:1.27\n'),
    good: container(''),
  },
  FieldNotSupported: {
    meaning:
      'The field is right for a cluster, but kube cannot do what it asks, and doing without would not be what its author wanted: play refuses the manifest, validate warns.',
    bad: pod(
      '  containers:\n  - name: web\n    image: nginx:1.27\n  volumes:\n  - name: data\n    nfs: { server: files, path: /data }\n',
    ),
    good: pod(
      '  containers:\n  - name: web\n    image: nginx:1.27\n  volumes:\n  - name: data\n    hostPath: { path: /mnt/data }\n',
    ),
  },
  FieldUnknown: {
    meaning:
      'No field of that name exists at that place: a misspelling, or a right name at the wrong indentation. An API server that validates strictly refuses it as well.',
    bad: container('    imagePullpolicy: Always\n'),
    good: container('    imagePullPolicy: Always\n'),
  },
  FieldValueDuplicate: {
    meaning: 'Two entries of a list have a name (or port, ...) that must be different for each.',
    bad: container('    ports:\n    - { name: http, containerPort: 80 }\n    - { name: http, containerPort: 81 }\n'),
    good: container('    ports:\n    - { name: http, containerPort: 80 }\n    - { name: admin, containerPort: 81 }\n'),
  },
  FieldValueForbidden: {
    meaning: 'The field may not be there together with what else the object says.',
    bad: pod(
      '  containers:\n  - name: web\n    image: nginx:1.27\n  volumes:\n  - name: data\n    emptyDir: {}\n    hostPath: { path: /data }\n',
    ),
    good: pod('  containers:\n  - name: web\n    image: nginx:1.27\n  volumes:\n  - name: data\n    emptyDir: {}\n'),
  },
  FieldValueInvalid: {
    meaning: 'The value has the right type but not the right form or range; the message says which one is needed.',
    bad: container('    ports:\n    - containerPort: 80000\n'),
    good: container('    ports:\n    - containerPort: 8000\n'),
  },
  FieldValueNotFound: {
    meaning: 'The value names something that the same object should define, such as a volume, and does not.',
    bad: container('    volumeMounts:\n    - { name: data, mountPath: /data }\n'),
    good: container(
      '    volumeMounts:\n    - { name: data, mountPath: /data }\n  volumes:\n  - name: data\n    emptyDir: {}\n',
    ),
  },
  FieldValueNotSupported: {
    meaning: 'The value is not one of those that the field can have; the message lists them. Case counts.',
    bad: container('    imagePullPolicy: always\n'),
    good: container('    imagePullPolicy: Always\n'),
  },
  FieldValueRequired: {
    meaning: 'A field that must be there is absent or empty. The position is that of the object that should have it.',
    bad: pod('  containers:\n  - image: nginx:1.27\n'),
    good: container(''),
  },
  FieldValueTooLong: {
    meaning:
      'The value, or all values together, are larger than an API server stores: 1 MiB of data, 256 KiB of annotations.',
  },
  FieldValueTooMany: {
    meaning: 'The list has more items than it may have.',
  },
  FieldValueTypeInvalid: {
    meaning:
      'The value has the wrong type. Most often a number or a word that YAML takes for a boolean stands where a string is needed: quote it.',
    bad: container('    env:\n    - name: PORT\n      value: 8080\n'),
    good: container('    env:\n    - name: PORT\n      value: "8080"\n'),
  },
  HostPathRelative: {
    meaning:
      "A hostPath that starts with ./ is taken from the manifest's own directory. A cluster refuses it: use an absolute path there.",
  },
  HostPortConflict: {
    meaning: 'Two pods publish the same port of the machine: only one of them could run.',
  },
  InvalidImageName: {
    meaning:
      'The text is no name of an image: [HOST[:PORT]/]PATH[:TAG][@DIGEST], the path in lower case. An API server takes it, but no container can be made of it.',
    bad: pod('  containers:\n  - name: web\n    image: Nginx:1.27\n'),
    good: container(''),
  },
  KeyNotFound: {
    meaning: 'The ConfigMap or Secret is there, but not the key that the pod needs of it.',
  },
  KindAccepted: {
    meaning:
      'Objects of this kind are checked and otherwise not acted on: they have no meaning on one machine. Nothing needs to be done.',
    bad: 'apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n',
    good: container(''),
  },
  KindNotRun: {
    meaning: 'Objects of this kind are checked, but kube does not act on them yet.',
  },
  MountPathColon: {
    meaning:
      "The mountPath ends in what looks like options of podman's or docker's --volume (`:z`, `:ro`): here they are part of the path.",
    bad: container(
      '    volumeMounts:\n    - { name: data, mountPath: "/data:ro" }\n  volumes:\n  - name: data\n    emptyDir: {}\n',
    ),
    good: container(
      '    volumeMounts:\n    - { name: data, mountPath: /data, readOnly: true }\n  volumes:\n  - name: data\n    emptyDir: {}\n',
    ),
  },
  NotAnObject: {
    meaning: 'The document is a list or a single value and not an object with apiVersion and kind.',
    bad: 'nginx:1.27\n',
    good: container(''),
  },
  ObjectNotFound: {
    meaning: 'A ConfigMap, Secret or claim that a pod needs is neither in the manifest nor was it played before.',
  },
  PullSecretUnusable: {
    meaning: 'A Secret of imagePullSecrets holds no registry passwords: images are pulled without it.',
  },
  ReferenceNotFound: {
    meaning:
      'The object refers to a ConfigMap, Secret or claim that no file of the set defines. That is right when it was played before.',
    bad: container('    envFrom:\n    - configMapRef: { name: config }\n'),
    good: `${configMap('data: { A: "1" }\n')}---\n${container('    envFrom:\n    - configMapRef: { name: config }\n')}`,
  },
  SelectorMatchesNothing: {
    meaning: 'The Service selects no pod of the set: it has no endpoints until such a pod is played.',
    bad: `apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: { app: wbe }\n  ports:\n  - port: 80\n---\n${container('').replace('  name: web\n', '  name: web\n  labels: { app: web }\n')}`,
    good: `apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: { app: web }\n  ports:\n  - port: 80\n---\n${container('').replace('  name: web\n', '  name: web\n  labels: { app: web }\n')}`,
  },
  UnknownKind: {
    meaning:
      'No kind of that name is known in that apiVersion: a misspelling, a version that clusters no longer serve, or a custom resource. `--skip-unknown` passes over such objects with a warning.',
    bad: 'apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata:\n  name: web\n',
    good: 'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\nspec:\n  defaultBackend:\n    service: { name: web, port: { number: 80 } }\n',
  },
  YamlAlias: {
    meaning:
      'A YAML alias (*name) names an anchor (&name) that does not stand before it, or one that it is itself part of.',
    bad: configMap('data: *other\n'),
    good: configMap('data: &other { a: "1" }\n'),
  },
  YamlDuplicateKey: {
    meaning: 'A key stands twice in the same map: one of the two values would be lost.',
    bad: configMap('data:\n  a: "1"\n  a: "2"\n'),
    good: configMap('data:\n  a: "1"\n  b: "2"\n'),
  },
  YamlExcessiveAliasing: {
    meaning:
      'Aliases of aliases would make the document very much larger than its text. Kubernetes refuses it as well.',
  },
  YamlKey: {
    meaning: 'A key is a map, a list or null. Templates that were not rendered ({{ ... }}) look like that.',
    bad: configMap('data:\n  a: {{ .Values.a }}\n'),
    good: configMap('data:\n  a: "1"\n'),
  },
  YamlMerge: {
    meaning: 'The merge key (<<) takes a map or a list of maps.',
    bad: configMap('data:\n  <<: text\n'),
    good: configMap('data:\n  <<: { a: "1" }\n'),
  },
  YamlSyntax: {
    meaning: 'The text is not YAML. The position is where reading stopped; the cause may stand a little before it.',
    bad: configMap('data:\n\ta: "1"\n'),
    good: configMap('data:\n  a: "1"\n'),
  },
  YamlTag: {
    meaning: 'A tag (!!int, !!bool, ...) demands a type that the text does not have.',
    bad: configMap('data:\n  a: !!int x\n'),
    good: configMap('data:\n  a: !!str 1\n'),
  },
  YamlTooDeep: {
    meaning: 'Maps and lists are nested deeper than can be read (some thousand levels).',
  },
}
