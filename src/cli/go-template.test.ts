import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderGoTemplate } from './go-template.ts'

const POD = {
  metadata: { name: 'web', labels: { app: 'web', 'app.kubernetes.io/name': 'x' } },
  spec: {
    containers: [
      { name: 'a', image: 'i:1' },
      { name: 'b', image: 'i:2' },
    ],
    count: 3,
    uid: 1_000_650_000,
  },
  status: { ready: true, none: null, empty: [], secret: 'aGVsbG8=' },
}

const cases: Readonly<Record<string, string>> = {
  'text {{.metadata.name}}': 'text web',
  '{{range .spec.containers}}{{.name}}={{.image}}{{"\\n"}}{{end}}': 'a=i:1\nb=i:2\n',
  '{{range $i, $c := .spec.containers}}{{if $i}}, {{end}}{{$c.name}}{{end}}': 'a, b',
  '{{range $c := .spec.containers}}{{$c.name}} {{$.metadata.name}};{{end}}': 'a web;b web;',
  '{{range $k, $v := .metadata.labels}}{{$k}}:{{$v}} {{end}}': 'app:web app.kubernetes.io/name:x ',
  '{{range .status.empty}}x{{else}}none{{end}}': 'none',
  '{{if eq .metadata.name "db"}}1{{else if eq .metadata.name "x" "web"}}2{{else}}3{{end}}': '2',
  '{{if and .status.ready (not .status.none)}}yes{{end}}': 'yes',
  '{{if or .nothing .status.empty}}yes{{else}}no{{end}}': 'no',
  '{{with .spec}}{{.count}}{{end}}{{with .nothing}}x{{else}}-{{end}}': '3-',
  '{{index .metadata.labels "app.kubernetes.io/name"}}': 'x',
  '{{(index .spec.containers 1).name}}': 'b',
  '{{index .metadata.labels "nope"}}': '<no value>',
  '{{.a.b.c}} {{.status.none}}': '<no value> <no value>',
  '{{printf "%-5s|%3d|%q|%v|%05.1f|%%" .metadata.name .spec.count "x" .status.ready 2.25}}':
    'web  |  3|"x"|true|002.3|%',
  '{{.metadata.name | printf "%s-%s" "pod"}}': 'pod-web',
  '{{len .spec.containers}} {{len .metadata.name}} {{.metadata.labels | len}}': '2 3 2',
  '{{.spec.containers}}': '[map[image:i:1 name:a] map[image:i:2 name:b]]',
  '{{.spec.uid}} {{printf "%d" .spec.uid}} {{.spec.count}}': '1.00065e+09 1000650000 3',
  '{{.status.secret | base64decode}}': 'hello',
  '{{exists . "spec" "count"}} {{exists . "spec" "nope"}}': 'true false',
  '{{print 1 2 "a" "b" 3}}{{println}}': '1 2a b3\n'.replace('a b', 'ab'),
  'a  {{- /* said to nobody */ -}}  b': 'ab',
  '{{$n := 0}}{{range .spec.containers}}{{$n = 1}}{{end}}{{$n}}': '1',
  '{{if gt .spec.count 2.0}}more{{end}}{{if le "a" "b"}}!{{end}}': 'more!',
  '{{"}}"}}{{`raw "x"`}}': '}}raw "x"',
  '{{range 2}}{{.}}{{end}}': '01',
  '': '',
}

for (const [template, text] of Object.entries(cases))
  test(template, () => assert.equal(renderGoTemplate(template, POD), text))

test('what cannot be read says so, with exit status 2', () => {
  const wrong = ['{{.x', '{{end}}', '{{if .x}}', '{{if .x}}{{else}}', '{{nofn .x}}', '{{define "x"}}{{end}}', '{{}}']
  for (const template of [...wrong, '{{$x}}', '{{"\\q"}}', '{{.a ? 1}}', '{{(.a}}', '{{template "x"}}', '{{.a | }}'])
    assert.throws(() => renderGoTemplate(template, POD), { code: 'BadTemplate', exitStatus: 2 }, template)
})

test('what cannot be done fails', () => {
  for (const template of [
    '{{.metadata.name.x}}',
    '{{index .nothing 1}}',
    '{{index .spec.containers 7}}',
    '{{lt 1 "a"}}',
  ])
    assert.throws(() => renderGoTemplate(template, POD), { code: 'BadTemplate', exitStatus: 1 }, template)
})
