#!/bin/sh
# Plays a pod of two containers, looks at it, fetches its page, turns it back into a manifest and takes it down again.
# `npm run demo` makes the machine ready first.
set -eu
case $0 in
  */*) cd "${0%/*}/.." ;;
  *) cd .. ;;
esac
manifest=fixtures/demo/web.yaml
image=localhost/busybox:demo
page=http://127.0.0.1:18080/
node=node_modules/node/bin/node
scratch=$(mktemp -d)
played=no

# Pods need root, or a machine set up for rootless ones.
as_root=
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; then as_root=sudo; fi

kube() { $as_root bin/kube "$@"; }

show() {
  echo
  echo "\$ $*"
}

finish() {
  status=$?
  trap - EXIT
  if [ $played = yes ]; then
    echo 'demo: failed; taking the pod down again' >&2
    kube down "$manifest" >&2 || :
  fi
  rm -rf "$scratch"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Whoever reads this may have seen enough.
trap 'exit 141' PIPE

if [ -z "$(kube images -q "$image")" ]; then
  echo 'An image from this machine'\''s busybox: no registry is needed.'
  "$node" scripts/make-busybox-rootfs.ts "$scratch/rootfs.tar"
  show "${as_root:+sudo }bin/kube import rootfs.tar $image"
  kube import "$scratch/rootfs.tar" "$image"
fi

show "${as_root:+sudo }bin/kube play $manifest"
played=yes
kube play "$manifest"

show "${as_root:+sudo }bin/kube get pods"
kube get pods

show "curl $page"
"$node" --input-type=module - "$page" <<'E2'
const page = process.argv[2]
const deadline = Date.now() + 10_000
for (;;) {
  try {
    const response = await fetch(page)
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
    console.log((await response.text()).trim())
    break
  } catch (error) {
    if (Date.now() > deadline) throw new Error(`${page} does not answer`, { cause: error })
    // The containers run, but their commands have only begun.
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
E2

show "${as_root:+sudo }bin/kube generate demo-web"
kube generate demo-web

show "${as_root:+sudo }bin/kube down $manifest"
kube down "$manifest"
played=no

echo
echo "That is all of it gone again. bin/kube is ready; begin with ${as_root:+sudo }bin/kube --help"
