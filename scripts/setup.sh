#!/bin/sh
# Makes a fresh machine ready: the programs kube needs, its npm packages, its build. Does only what is missing, so a
# second run costs a fraction of a second. `--test` adds what only the tests need.
#
# Runs with any POSIX shell and any Node.js that has npm: nothing here may need the Node.js that npm installs before
# npm has installed it.
set -eu
case $0 in
  */*) cd "${0%/*}/.." ;;
  *) cd .. ;;
esac
top=$PWD
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/podman:/usr/libexec/podman
export PATH

tests=no
case ${1-} in
  '') ;;
  --test) tests=yes ;;
  *)
    echo "usage: sh $0 [--test]" >&2
    exit 2
    ;;
esac

say() { echo "setup: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

mkdir -p build
# Two runs at once, such as a demo and the tests, wait for one another.
if command -v flock >/dev/null && [ -w build ]; then
  exec 9>build/setup.lock
  flock 9
fi

# --- Programs of the machine -------------------------------------------------------------------------------------

# Each line: a program or file that shows that a package is there, and the package of Debian and Ubuntu.
required='
crun crun
conmon conmon
catatonit catatonit
nft nftables
aardvark-dns aardvark-dns
newuidmap uidmap
pasta passt
/var/lib/dpkg/info/busybox-static.list busybox-static
/usr/lib/*/libatomic.so.1 libatomic1
'
required_by_tests='
docker-registry docker-registry
skopeo skopeo
ip iproute2
jq jq
pgrep procps
openssl openssl
setcap libcap2-bin
getfattr attr
xz xz-utils
bzip2 bzip2
'
# Older releases lack these; kube tells when a manifest needs one of them.
optional=' aardvark-dns passt '

present() {
  case $1 in
    /*)
      # Unquoted, so that the pattern finds the file.
      for file in $1; do [ -e "$file" ] && return 0; done
      return 1
      ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing_packages() {
  missing=
  [ $tests = no ] || required="$required$required_by_tests"
  set -f
  # shellcheck disable=SC2086
  set -- $required
  set +f
  while [ $# -gt 0 ]; do
    if ! present "$1" && [ ! -e "build/unavailable/$2" ]; then missing="$missing $2"; fi
    shift 2
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "not root and no sudo here; run as root: $*"
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >>build/apt.log 2>&1
}

# Says which of the packages this release has. One that it should have is an error.
choose_available() {
  available=
  for package in $missing; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      available="$available $package"
    else
      unavailable="$unavailable $package"
    fi
  done
}

# Keeps packages from starting their services while apt runs; void as soon as this script has ended, however it ended.
hold_services() {
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  printf '#!/bin/sh\n# Left by a setup that was killed; can be removed.\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' $$ >build/policy-rc.d
  as_root install -m 755 build/policy-rc.d /usr/sbin/policy-rc.d
  trap release_services EXIT
  trap 'exit 1' HUP INT TERM
  held=yes
}

held=no
release_services() {
  [ $held = yes ] || return 0
  held=no
  as_root rm -f /usr/sbin/policy-rc.d
}

install_with_apt() {
  say "installing$missing (log: build/apt.log)"
  : >build/apt.log
  updated=no
  set -- /var/lib/apt/lists/*Packages*
  if [ ! -e "$1" ]; then
    apt update || { tail -n 20 build/apt.log >&2; fail 'apt-get update failed'; }
    updated=yes
  fi
  unavailable=
  choose_available
  if [ -n "$unavailable" ] && [ $updated = no ]; then
    apt update || :
    updated=yes
    unavailable=
    choose_available
  fi
  for package in $unavailable; do
    case $optional in
      *" $package "*)
        say "this release has no package $package; going on without it"
        mkdir -p build/unavailable
        : >"build/unavailable/$package"
        ;;
      *) fail "apt has no package $package; see the lists in /etc/apt/sources.list*" ;;
    esac
  done
  [ -n "$available" ] || return 0
  hold_services
  # shellcheck disable=SC2086
  if ! apt install --no-install-recommends $available; then
    # The lists can be older than the archive.
    { [ $updated = no ] && apt update && apt install --no-install-recommends $available; } || {
      tail -n 20 build/apt.log >&2
      fail "apt-get install$available failed"
    }
  fi
  release_services
  case $available in
    *docker-registry*)
      # The tests start their own.
      [ ! -d /run/systemd/system ] || as_root systemctl disable --quiet --now docker-registry || :
      ;;
  esac
}

# Names of the packages elsewhere. The programs that Debian's name stands for are the same.
ask_for_packages() {
  common='crun conmon catatonit nftables aardvark-dns passt'
  more='skopeo jq openssl xz bzip2'
  if command -v dnf >/dev/null; then
    command="dnf install $common shadow-utils busybox libatomic" tested="docker-distribution iproute procps-ng libcap attr $more"
  elif command -v pacman >/dev/null; then
    command="pacman -S $common shadow busybox" tested="distribution iproute2 procps-ng attr $more"
  elif command -v zypper >/dev/null; then
    command="zypper install $common shadow busybox-static libatomic1" tested="distribution-registry iproute2 procps attr $more"
  elif command -v apk >/dev/null; then
    command="apk add $common shadow-uidmap busybox-static" tested="docker-registry iproute2 procps attr $more"
  else
    fail "please install, by your distribution's names:$missing"
  fi
  [ $tests = no ] || command="$command $tested"
  say "on this machine these are missing, by Debian's names:$missing"
  fail "please run as root: $command"
}

# A program that shows its package elsewhere than on Debian.
elsewhere() {
  set -f
  required=$(echo "$required" | sed 's,^/var/lib/dpkg/info/busybox-static.list,busybox,; s,^/usr/lib/\*/libatomic.*,sh sh,')
  set +f
}

if [ "$(uname -s)" = Linux ]; then
  command -v apt-get >/dev/null || elsewhere
  missing_packages
  if [ -n "$missing" ]; then
    if command -v apt-get >/dev/null; then install_with_apt; else ask_for_packages; fi
  fi
else
  say 'not Linux: validate, plan and explain work here, running pods does not'
fi

# --- npm packages ------------------------------------------------------------------------------------------------

node=$top/node_modules/node/bin/node
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ] || [ ! -x "$node" ]; then
  say 'installing the npm packages'
  npm ci --include=dev --include=optional --no-audit --no-fund --loglevel=error </dev/null >&2
  # Where install scripts are switched off.
  [ -x "$node" ] || npm rebuild --ignore-scripts=false --loglevel=error </dev/null >&2
  touch node_modules/.package-lock.json
fi

# --- Build -------------------------------------------------------------------------------------------------------

"$node" scripts/build.ts
