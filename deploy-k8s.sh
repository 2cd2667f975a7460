#!/usr/bin/env bash
# Puts Parley and its Redis into a Kubernetes cluster, and looks after them there. DEPLOY.md tells more.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly namespace=parley redis_namespace=redis
# What stands in k8s-deployment.yaml for what only you know.
readonly image_placeholder='image: parley:latest' host_placeholder='parley.example.org'

usage() {
  cat <<'USAGE'
Usage: deploy-k8s.sh [options] COMMAND

  deploy          Redis, keys where there are none, and the pods of an image; the same again rolls out what changed
  status          what runs, what waits, and the last events
  logs [POD]      follows the logs of all pods, or of one
  drain POD       has a pod hand its sessions to the others; it takes no new ones until --undo
  rollback        goes back to the version before, or to --revision N
  delete          removes the pods; keys and Redis stay, unless --all

Options:
  --image NAME    for deploy: an image that the cluster can pull      (or PARLEY_IMAGE)
  --host NAME     for deploy: the host name that clients use          (or PARLEY_HOST)
  --context NAME  the cluster, as kubectl config get-contexts lists them; otherwise the current one
  --timeout TIME  how long deploy and rollback wait, such as 20m; longer than a drain may take (default 30m)
  --undo          for drain: take the pod back
  --revision N    for rollback
  --all           for delete: keys, Redis and all sessions too
  --yes           for delete: do not ask
  --dry-run       change nothing and ask no cluster; print what would be done
  --help
USAGE
}

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "deploy-k8s.sh: $1"
  exit "${2:-1}"
}

command='' pod='' context='' timeout=30m revision='' undo='' all='' yes='' dry_run=''
image=${PARLEY_IMAGE:-} host=${PARLEY_HOST:-}

parse() {
  while (($# > 0)); do
    case $1 in
      --image | --host | --context | --timeout | --revision)
        (($# > 1)) || fail "$1 needs a value" 2
        printf -v "${1#--}" '%s' "$2"
        shift
        ;;
      --undo | --all | --yes) printf -v "${1#--}" yes ;;
      --dry-run) dry_run=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      -*) fail "no such option: $1 (--help lists them)" 2 ;;
      *)
        if [[ -z $command ]]; then
          command=$1
        elif [[ -z $pod && ($command == drain || $command == logs) ]]; then
          pod=${1#pod/}
        else
          fail "one word too many: $1" 2
        fi
        ;;
    esac
    shift
  done
}

# Every question and every order to the cluster goes through one of these.
ask() { kubectl ${context:+--context "$context"} "$@"; }
order() {
  if [[ -n $dry_run ]]; then
    printf 'would run: kubectl %s\n' "${context:+--context $context }$*"
  else
    ask "$@" </dev/null
  fi
}
# For what is piped in; who writes it must not find the pipe closed.
order_piped() {
  if [[ -n $dry_run ]]; then
    cat >/dev/null
    order "$@"
  else
    ask "$@"
  fi
}

check_needs() {
  type kubectl >/dev/null 2>&1 || fail 'kubectl is not on the path: https://kubernetes.io/docs/tasks/tools/'
  [[ -z $dry_run ]] || return 0
  if [[ -z $context ]]; then
    context=$(kubectl config current-context 2>/dev/null) ||
      fail 'kubectl has no current context: name one with --context, or kubectl config use-context'
  fi
  ask version --request-timeout=10s >/dev/null 2>&1 ||
    fail "the cluster of context $context does not answer: kubectl --context $context version says why"
  say "Cluster: $context"
}

check_deploy() {
  [[ -n $image ]] || fail 'which image? Build one (docker build -t registry/parley:1 .), push it, and name it: --image' 2
  [[ -n $host ]] || fail 'which host name do clients use? --host voice.example.com' 2
  [[ $image =~ ^[A-Za-z0-9][A-Za-z0-9._/:@-]*$ ]] || fail "not the name of an image: $image" 2
  [[ $host =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$ ]] || fail "not a host name: $host" 2
}

check_pod() {
  [[ -n $pod ]] || fail 'which pod? status lists them' 2
  [[ $pod =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$ ]] || fail "not the name of a pod: $pod" 2
}

manifest() {
  sed -e "s|$image_placeholder|image: $image|" -e "s|$host_placeholder|$host|" "$here/k8s-deployment.yaml"
}

# Letters and digits, for they become part of URLs and headers.
random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

secret_value() { # namespace, secret, key; empty where there is none
  [[ -z $dry_run ]] || return 0
  ask -n "$1" get secret "$2" --ignore-not-found -o "jsonpath={.data.$3}" | base64 -d
}

# By standard input: arguments are seen by everybody on this machine.
create_secret() { order_piped -n "$1" create secret generic "$2" --from-env-file=/dev/stdin; }

ensure_namespace() {
  local found=''
  [[ -n $dry_run ]] || found=$(ask get namespace "$1" --ignore-not-found -o name)
  [[ -n $found ]] || order create namespace "$1"
}

ensure_secrets() {
  # Apart from the declaration, which would hide that a question has failed.
  local password copied token_secret
  password=$(secret_value "$redis_namespace" redis-auth REDIS_PASSWORD)
  copied=$(secret_value "$namespace" redis-auth REDIS_PASSWORD)
  if [[ -n $password && -n $copied && $password != "$copied" ]]; then
    fail "the Secrets redis-auth in the namespaces $redis_namespace and $namespace differ: delete the one in $namespace"
  fi
  if [[ -z $password ]]; then
    password=${copied:-$(random)}
    printf 'REDIS_PASSWORD=%s\n' "$password" | create_secret "$redis_namespace" redis-auth
  fi
  if [[ -z $copied ]]; then
    printf 'REDIS_PASSWORD=%s\n' "$password" | create_secret "$namespace" redis-auth
  fi
  token_secret=$(secret_value "$namespace" parley-keys TOKEN_SECRET)
  if [[ -z $token_secret ]]; then
    printf 'API_KEY=%s\nMETRICS_KEY=%s\nTOKEN_SECRET=%s\n' "$(random)" "$(random)" "$(random)" |
      create_secret "$namespace" parley-keys
  fi
}

deploy() {
  check_deploy
  [[ -z $dry_run ]] || say 'Namespaces and Secrets only where there are none; the values of Secrets at random.'
  ensure_namespace "$redis_namespace"
  ensure_namespace "$namespace"
  ensure_secrets
  order apply -f "$here/k8s-redis.yaml"
  order -n "$redis_namespace" rollout status statefulset/redis "--timeout=$timeout"
  [[ -z $dry_run ]] || printf 'with k8s-deployment.yaml for image %s and host %s, ' "$image" "$host"
  manifest | order_piped apply -f -
  await_rollout
  [[ -z $dry_run ]] || return 0
  say "Deployed $image at https://$host. Its key for your backend:"
  say "  kubectl -n $namespace get secret parley-keys -o jsonpath={.data.API_KEY} | base64 -d"
}

await_rollout() {
  order -n "$namespace" rollout status deployment/parley "--timeout=$timeout" && return
  order -n "$namespace" get pods -o wide >&2 || true
  fail "the pods of the new version are not all ready; those of the old one serve on. A pod that stays Pending finds no
node whose media ports are free: add a node. Otherwise: kubectl -n $namespace describe pod POD, and $0 logs POD.
Back to the old version: $0 rollback"
}

status() {
  order -n "$namespace" get deployment,pods,hpa,pdb,service,ingress -o wide
  order -n "$redis_namespace" get statefulset,pods,pvc
  order -n "$namespace" get events --sort-by=.lastTimestamp --field-selector type!=Normal
}

logs() {
  if [[ -n $pod ]]; then
    check_pod
    order -n "$namespace" logs --follow --tail=200 "$pod"
  else
    order -n "$namespace" logs --follow --tail=50 --prefix --max-log-requests=50 -l app.kubernetes.io/name=parley
  fi
}

# Inside the pod, where the key is in the environment and never on a command line.
# shellcheck disable=SC2016 # JavaScript's dollars are not ours to expand.
readonly ask_for_drain='
const [method] = process.argv.slice(1);
const { PORT, API_KEYS } = process.env;
const answer = await fetch(`http://127.0.0.1:${PORT}/v2/drain`, {
  method,
  headers: { authorization: `Bearer ${API_KEYS.split(",")[0]}` },
});
console.log(`${method} /v2/drain: ${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);'

drain() {
  check_pod
  local method=POST
  [[ -z $undo ]] || method=DELETE
  if [[ -n $dry_run ]]; then
    printf 'would run in pod %s: %s /v2/drain\n' "$pod" "$method"
    return
  fi
  ask -n "$namespace" exec "$pod" -c parley -- node --input-type=module -e "$ask_for_drain" "$method" ||
    fail "pod $pod could not be asked (see above)"
  if [[ -n $undo ]]; then
    say "$pod takes sessions again."
  else
    say "$pod hands its sessions over and takes no new ones. Take it back: $0 drain $pod --undo. Replace it: kubectl -n $namespace delete pod $pod"
  fi
}

rollback() {
  order -n "$namespace" rollout undo deployment/parley ${revision:+"--to-revision=$revision"}
  await_rollout
}

delete() {
  local what="the pods of Parley; all calls end. Keys, Redis and its data stay"
  [[ -z $all ]] || what="Parley, its keys, Redis, and all sessions in it"
  if [[ -z $yes && -z $dry_run ]]; then
    [[ -t 0 ]] || fail "this deletes $what: say so with --yes" 2
    read -r -p "Delete $what. Type the context's name, $context: " answer
    [[ $answer == "$context" ]] || fail 'nothing was deleted'
  fi
  if [[ -n $all ]]; then
    order delete namespace "$namespace" "$redis_namespace" --ignore-not-found
  else
    order -n "$namespace" delete ingress,hpa,pdb,deployment,service,serviceaccount -l app.kubernetes.io/name=parley \
      --ignore-not-found
  fi
}

parse "$@"
case $command in
  deploy | status | logs | drain | rollback | delete) ;;
  '')
    usage >&2
    exit 2
    ;;
  *) fail "no such command: $command (--help lists them)" 2 ;;
esac
# Mistakes on the command line are told before the cluster is asked.
[[ $command != deploy ]] || check_deploy
[[ $command != drain ]] || check_pod
[[ -z $revision || $revision =~ ^[0-9]+$ ]] || fail "not a revision: $revision" 2
check_needs
"$command"
